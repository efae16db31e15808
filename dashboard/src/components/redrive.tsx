import { useState } from "react";

import { useQueues } from "@/api/queries";
import { useTranslate } from "@/i18n/translate";
import { Field } from "./Field";
import { NamedOptions } from "./NamedOptions";

const MINUTE = 60;

/** Where a redrive leads and how many a minute, for what failed together need not come back together: as fields, and as the API takes it. */
export function useRedrive() {
  const t = useTranslate();
  const queues = useQueues();
  const [rate, setRate] = useState("");
  const [target, setTarget] = useState("");
  const fields = (
    <>
      <Field label={t("dead.target")}>
        <select className="field" value={target} onChange={(event) => setTarget(event.target.value)}>
          <option value="">{t("dead.origin")}</option>
          <NamedOptions of={queues.data} />
        </select>
      </Field>
      <Field label={t("dead.rate")} hint={t("bulk.rate_hint")}>
        <input className="field" type="number" min={MINUTE} step={MINUTE} value={rate} onChange={(event) => setRate(event.target.value)} />
      </Field>
    </>
  );
  return { fields, queueId: target || null, perSecond: rate === "" ? null : Math.max(1, Math.round(Number(rate) / MINUTE)) };
}
