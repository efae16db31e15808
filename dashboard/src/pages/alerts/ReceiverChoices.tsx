import { Link } from "@tanstack/react-router";

import { Choices } from "@/components/Choices";
import { useTranslate } from "@/i18n/translate";
import { useReceivers } from "./queries";

interface Props {
  legend: string;
  /** Ids. */
  chosen: string[];
  onChange: (chosen: string[]) => void;
  hint?: string;
  error?: string | null;
  /** Where there is nobody, nothing is shown. */
  isOptional?: boolean;
}

/** Who is to be told, of those whom the project knows. */
export function ReceiverChoices({ legend, chosen, onChange, hint, error, isOptional = false }: Props) {
  const t = useTranslate();
  const found = useReceivers().data;
  if (isOptional && !found?.length) return null;
  const none = found?.length === 0 && (
    <>
      {t("receivers.none")}{" "}
      <Link to="/alerts" search={{ tab: "receivers" }} className="text-accent underline">
        {t("alerts.tab_receivers")}
      </Link>
    </>
  );
  return (
    <Choices
      legend={legend}
      options={(found ?? []).map((one) => ({ value: one.id, label: one.name }))}
      chosen={chosen}
      onChange={onChange}
      hint={none || hint}
      error={error}
    />
  );
}
