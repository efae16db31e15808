import { Bookmark, X } from "lucide-react";
import { useState } from "react";

import { Button, IconButton } from "@/components/Button";
import { Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import type { JobsSearch } from "./search";

interface View {
  name: string;
  search: JobsSearch;
}

/** Kept in this browser. */
const NAME = "taskforge.views";
const MOST = 30;

function stored(): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(found) ? (found as View[]) : [];
  } catch {
    return [];
  }
}

export function SavedViews({ search, onChoose }: { search: JobsSearch; onChoose: (search: JobsSearch) => void }) {
  const t = useTranslate();
  const [views, setViews] = useState(stored);
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState("");
  function keep(changed: View[]) {
    setViews(changed.slice(0, MOST));
    localStorage.setItem(NAME, JSON.stringify(changed.slice(0, MOST)));
  }
  const isFull = views.length >= MOST && !views.some((view) => view.name === name.trim());
  const { page: _page, cursor: _cursor, ...filter } = search;
  return (
    <>
      <Button icon={Bookmark} onClick={() => setOpen(true)}>
        {t("views.open")}
      </Button>
      <Dialog title={t("views.title")} isOpen={isOpen} onClose={() => setOpen(false)}>
        <DialogForm
          submit={t("views.save")}
          isDisabled={name.trim() === "" || isFull}
          onCancel={() => setOpen(false)}
          onSubmit={() => {
            keep([{ name: name.trim(), search: filter }, ...views.filter((view) => view.name !== name.trim())]);
            setName("");
            setOpen(false);
          }}
        >
          {views.length === 0 ? (
            <p className="text-muted">{t("views.none")}</p>
          ) : (
            <ul className="flex flex-col">
              {views.map((view) => (
                <li key={view.name} className="flex items-center">
                  <button
                    type="button"
                    className="untrusted h-8 min-w-0 flex-1 truncate rounded-md px-2 text-left hover:bg-hover"
                    onClick={() => {
                      onChoose(view.search);
                      setOpen(false);
                    }}
                  >
                    {view.name}
                  </button>
                  <IconButton icon={X} label={t("views.forget", { name: view.name })} onClick={() => keep(views.filter((one) => one !== view))} />
                </li>
              ))}
            </ul>
          )}
          <Field label={t("views.name")} hint={t(isFull ? "views.full" : "views.hint", { count: MOST })}>
            <input className="field" value={name} maxLength={60} onChange={(event) => setName(event.target.value)} />
          </Field>
        </DialogForm>
      </Dialog>
    </>
  );
}
