import { Download } from "lucide-react";

import { Button } from "@/components/Button";
import { csv, save } from "@/format/files";

interface Props {
  name: string;
  head: string[];
  rows: () => (string | number | null)[][];
}

export function CsvButton({ name, head, rows }: Props) {
  return (
    <Button kind="quiet" icon={Download} aria-label={`CSV: ${name}`} onClick={() => save(`${name}.csv`, csv(head, rows()), "text/csv")}>
      CSV
    </Button>
  );
}
