import { LogOut, Undo2 } from "lucide-react";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import type { Worker } from "@/api/types";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { useTranslate } from "@/i18n/translate";

export function DrainButton({ worker }: { worker: Worker }) {
  const t = useTranslate();
  const action = useAction();
  const [isOpen, setOpen] = useState(false);
  const path = { params: { path: { worker_id: worker.id } } };
  const undrain = () => action(() => done(api.DELETE("/api/v1/workers/{worker_id}/drain", path)), t("workers.undrained", { name: worker.name }));
  if (worker.stopped_at !== null || worker.status === "offline") return null;
  if (worker.drain_mode) {
    return (
      <Button kind="quiet" icon={Undo2} onClick={() => void undrain()}>
        {t("workers.undrain")}
      </Button>
    );
  }
  return (
    <>
      <Button kind="quiet" icon={LogOut} onClick={() => setOpen(true)}>
        {t("workers.drain")}
      </Button>
      <Confirm
        title={t("workers.drain_title", { name: worker.name })}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        submit={t("workers.drain")}
        onConfirm={async () => {
          await action(() => done(api.POST("/api/v1/workers/{worker_id}/drain", path)), t("workers.draining", { name: worker.name }));
        }}
      >
        <p className="text-left">{t("workers.drain_hint")}</p>
      </Confirm>
    </>
  );
}
