import { Trash2 } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Assignment } from "@/api/types";
import { IconButton } from "@/components/Button";
import { Switch } from "@/components/Switch";
import { useTranslate } from "@/i18n/translate";
import { useHold } from "@/shell/live";

/** The weight of an assignment, changed where it stands; whether it is active; and its end, which can be undone. */
export function Weight({ assignment }: { assignment: Assignment }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [text, setText] = useState<string | null>(null);
  useHold(text !== null);
  const path = { params: { path: { assignment_id: assignment.id } } };
  const names = { worker: assignment.worker_name, queue: assignment.queue_name };
  if (!may("assignment:write")) return <span>{assignment.weight}</span>;

  const change = (body: { weight?: number; is_active?: boolean }) => action(() => done(api.PATCH("/api/v1/assignments/{assignment_id}", { ...path, body })), t("assignments.saved"));
  async function save() {
    const weight = Number(text);
    if (text !== null && weight !== assignment.weight) await change({ weight });
    setText(null);
  }
  const again = () =>
    action(() =>
      data(
        api.POST("/api/v1/assignments", {
          params: { query: { project_id: assignment.project_id } },
          body: { queue_id: assignment.queue_id, worker_name: assignment.worker_name, weight: assignment.weight, is_active: assignment.is_active },
        }),
      ),
    );
  const remove = () => action(() => done(api.DELETE("/api/v1/assignments/{assignment_id}", path)), t("assignments.removed"), { undo: () => void again() });

  return (
    <form
      className="flex items-center gap-1"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <input
        className="field h-7! w-16 text-[13px]"
        type="number"
        min={1}
        max={100}
        aria-label={t("assignments.weight_of", names)}
        value={text ?? assignment.weight}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => void save()}
        onKeyDown={(event) => event.key === "Escape" && setText(null)}
      />
      <Switch label={t("assignments.active_of", names)} isOn={assignment.is_active} onChange={(isOn) => void change({ is_active: isOn })} />
      <IconButton icon={Trash2} label={t("assignments.remove", names)} onClick={() => void remove()} />
    </form>
  );
}
