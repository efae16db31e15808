import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";

/** Which members of payloads only some see. */
export function Redaction() {
  const { caller } = useSession();
  const path = { path: { organization_id: caller.organization_id ?? "" } };
  const organization = useQuery({
    queryKey: ["organization"],
    queryFn: () => data(api.GET("/api/v1/organizations/{organization_id}", { params: path })),
  });
  return <Asked query={organization}>{(found) => <Names key={found.updated_at} id={found.id} names={found.redacted_keys} />}</Asked>;
}

function Names({ id, names }: { id: string; names: string[] }) {
  const t = useTranslate();
  const action = useAction();
  const [text, setText] = useState(names.join("\n"));
  const given = text.split(/[\n,]/).map((name) => name.trim()).filter(Boolean);
  const save = () =>
    action(
      () => done(api.PATCH("/api/v1/organizations/{organization_id}", { params: { path: { organization_id: id } }, body: { redacted_keys: given } })),
      t("redaction.saved"),
    );
  return (
    <form
      className="flex max-w-2xl flex-col gap-3 p-4"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <p className="text-[13px] text-muted">{t("redaction.note")}</p>
      <Field label={t("redaction.names")} hint={t("redaction.hint")}>
        <textarea className="field h-auto! py-2 font-mono text-xs" rows={6} value={text} spellCheck={false} onChange={(event) => setText(event.target.value)} />
      </Field>
      <div>
        <Button kind="primary" type="submit" disabled={given.join() === names.join()}>
          {t("action.save")}
        </Button>
      </div>
    </form>
  );
}
