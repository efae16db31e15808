import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, data } from "@/api/client";
import type { components } from "@/api/generated";
import { useAction } from "@/api/queries";
import { Asked } from "@/components/Asked";
import { Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import type { Act } from "./acts";

interface Props {
  act: Act;
  chosen: components["schemas"]["Chosen"];
  onClose: () => void;
  onBegun: () => void;
}

/** Counts before it does anything: the dialog says what will happen to how many. */
export function BulkDialog({ act, chosen, onClose, onBegun }: Props) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [rate, setRate] = useState("");
  const [typed, setTyped] = useState("");
  const query = { project_id: id };
  const count = useQuery({
    queryKey: ["count", id, act, chosen],
    queryFn: async () => {
      const found = await data(api.POST("/api/v1/operations", { params: { query }, body: { action: act, filter: chosen, dry_run: true } }));
      return { jobs: found.counted, isMore: found.counted_or_more };
    },
    gcTime: 0,
  });
  const shown = count.data ? `${formatNumber(count.data.jobs)}${count.data.isMore ? "+" : ""}` : "";
  const isDangerous = act === "delete";
  const begin = () =>
    action(
      () => data(api.POST("/api/v1/operations", { params: { query }, body: { action: act, filter: chosen, per_second: rate === "" ? null : Number(rate) } })),
      t(`bulk.${act}_done`, { count: shown }),
    );
  return (
    <Dialog title={t(`bulk.${act}`)} isOpen onClose={onClose}>
      <DialogForm
        submit={t(`bulk.${act}`)}
        isDanger={isDangerous}
        isDisabled={!count.data?.jobs || (isDangerous && typed !== String(count.data.jobs))}
        onCancel={onClose}
        onSubmit={async () => {
          if (!(await begin())) return;
          onClose();
          onBegun();
        }}
      >
        <Asked query={count} lines={1}>
          {() => (
            <>
              <p>{t(`bulk.${act}_will`, { count: shown })}</p>
              <p className="text-[13px] text-muted">{t("bulk.skips")}</p>
            </>
          )}
        </Asked>
        {act === "retry" && (
          <Field label={t("bulk.rate")} hint={t("bulk.rate_hint")}>
            <input className="field" type="number" min={1} max={10000} value={rate} onChange={(event) => setRate(event.target.value)} />
          </Field>
        )}
        {isDangerous && count.data && (
          <Field label={t("confirm.type", { text: String(count.data.jobs) })}>
            <input className="field" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
          </Field>
        )}
      </DialogForm>
    </Dialog>
  );
}
