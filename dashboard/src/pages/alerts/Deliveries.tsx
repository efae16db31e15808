import { RotateCw } from "lucide-react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import type { Delivery } from "@/api/types";
import { Button } from "@/components/Button";
import { Collection } from "@/components/Collection";
import { Deeper } from "@/components/Deeper";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { useDeliveries } from "./queries";

/** What was told to whom, and what came of it. */
export function Deliveries({ cursor, onGo }: { cursor: string | undefined; onGo: (cursor: string | undefined) => void }) {
  const t = useTranslate();
  const found = useDeliveries(cursor);
  return (
    <Collection
      label={t("alerts.tab_deliveries")}
      none={t("deliveries.none")}
      noneHint={t("deliveries.none_hint")}
      items={{ ...found, data: found.data?.data }}
      idOf={(delivery) => delivery.id}
      columns={[
        { name: t("job.status"), of: (delivery) => <Status of={delivery.status} /> },
        { name: t("deliveries.summary"), of: (delivery) => <Said delivery={delivery} />, className: "wraps" },
        { name: t("deliveries.receiver"), of: (delivery) => `${delivery.receiver} · ${word("receiver_kind", delivery.receiver_kind)}`, className: "untrusted" },
        { name: t("deliveries.tries"), of: (delivery) => delivery.tries, isNumber: true },
        { name: t("job.created"), of: (delivery) => <Time at={delivery.created_at} /> },
        { name: null, of: (delivery) => <Again delivery={delivery} />, className: "text-right" },
      ]}
      edit={null}
      foot={<Deeper place={cursor} next={found.data?.meta.next_cursor} onGo={onGo} />}
    />
  );
}

function Said({ delivery }: { delivery: Delivery }) {
  const t = useTranslate();
  return (
    <span className="untrusted flex min-w-48 flex-col py-1">
      <span lang="en">{delivery.summary}</span>
      {delivery.status !== "delivered" && delivery.last_answer && <span lang="en" className="text-xs text-failed">{delivery.last_answer}</span>}
      {delivery.next_try_at && (
        <span className="text-xs text-muted">
          {t("deliveries.next")} <Time at={delivery.next_try_at} />
        </span>
      )}
    </span>
  );
}

function Again({ delivery }: { delivery: Delivery }) {
  const t = useTranslate();
  const action = useAction();
  if (delivery.status !== "failed" && delivery.status !== "cancelled") return null;
  const path = { params: { path: { delivery_id: delivery.id } } };
  return (
    <Button kind="quiet" icon={RotateCw} onClick={() => void action(() => done(api.POST("/api/v1/alerts/deliveries/{delivery_id}/retry", path)), t("deliveries.retried"))}>
      {t("action.retry")}
    </Button>
  );
}
