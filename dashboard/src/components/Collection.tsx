import { Plus } from "lucide-react";
import { type ReactNode, useState } from "react";

import { useAction } from "@/api/queries";
import { useTranslate } from "@/i18n/translate";
import { Asked, type Question } from "./Asked";
import { Button } from "./Button";
import { Confirm } from "./Dialog";
import { Empty } from "./Notices";
import { Parts } from "./Parts";
import { Cell, Head, Row, Table } from "./Table";

export interface Column<Item> {
  /** Nothing for a column of buttons. */
  name: string | null;
  of: (item: Item) => ReactNode;
  className?: string;
  isNumber?: boolean;
}

export interface Removal<Item> {
  button: string;
  title: string;
  hint: string;
  said: string;
  /** What has to be typed where it cannot be undone. */
  typed?: (item: Item) => string;
  remove: (item: Item) => Promise<unknown>;
}

interface Props<Item> {
  label: string;
  note?: string;
  none: string;
  /** What would stand here, and how it comes to that. */
  noneHint?: string;
  items: Question<Item[]>;
  idOf: (item: Item) => string;
  columns: Column<Item>[];
  /** Null for those who may only look. */
  edit: { make: string; onMake: () => void; change?: string; onChange?: (item: Item) => void } | null;
  removal?: Removal<Item> | null;
  /** The way on, where these are not all. */
  foot?: ReactNode;
}

/** Things of one kind in a table: what they are, a button for a new one, and in each row what can be done to it. */
export function Collection<Item>({ label, note, none, noneHint, items, idOf, columns, edit, removal, foot }: Props<Item>) {
  const shown = edit === null ? columns : [...columns, { name: null, of: (item: Item) => <Actions item={item} edit={edit} removal={removal} />, className: "text-right" }];
  return (
    <div className="flex flex-col">
      {(note || edit) && (
        <div className="flex flex-wrap items-center gap-3 px-4 py-3">
          <p className="min-w-0 flex-1 text-[13px] text-muted max-sm:basis-full">{note}</p>
          {edit && (
            <Button kind="primary" icon={Plus} onClick={edit.onMake}>
              {edit.make}
            </Button>
          )}
        </div>
      )}
      <Asked query={items}>{(found) => (found.length === 0 ? <Empty title={none}>{noneHint}</Empty> : <Parts items={found}>{(part) => <Rows label={label} items={part} idOf={idOf} columns={shown} />}</Parts>)}</Asked>
      {foot}
    </div>
  );
}

function Rows<Item>({ label, items, idOf, columns }: { label: string; items: Item[]; idOf: (item: Item) => string; columns: Column<Item>[] }) {
  const t = useTranslate();
  return (
    <Table label={label}>
      <thead>
        <tr>
          {columns.map((column, index) => (
            <Head key={index} isNumber={column.isNumber}>
              {column.name ?? <span className="sr-only">{t("action.actions")}</span>}
            </Head>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <Row key={idOf(item)}>
            {columns.map((column, index) => (
              <Cell key={index} isNumber={column.isNumber} className={column.className}>
                {column.of(item)}
              </Cell>
            ))}
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

type ActionProps<Item> = { item: Item } & Required<Pick<Props<Item>, "edit">> & Pick<Props<Item>, "removal">;

function Actions<Item>({ item, edit, removal }: ActionProps<Item>) {
  const action = useAction();
  const [isRemoving, setRemoving] = useState(false);
  return (
    <>
      {edit?.onChange && (
        <Button kind="quiet" onClick={() => edit.onChange?.(item)}>
          {edit.change}
        </Button>
      )}
      {removal && (
        <>
          <Button kind="quiet" onClick={() => setRemoving(true)}>
            {removal.button}
          </Button>
          <Confirm
            title={removal.title}
            isOpen={isRemoving}
            onClose={() => setRemoving(false)}
            submit={removal.button}
            typed={removal.typed?.(item)}
            onConfirm={async () => void (await action(() => removal.remove(item), removal.said))}
          >
            <p className="text-left">{removal.hint}</p>
          </Confirm>
        </>
      )}
    </>
  );
}
