import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

import { useTranslate } from "@/i18n/translate";
import { useHold } from "@/shell/live";
import { lastToast, takeWrong } from "@/shell/toasts";
import { Button, IconButton } from "./Button";

interface Props {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  isWide?: boolean;
}

/** The browser's own modal dialog: it keeps the focus in, and gives it back. */
export function Dialog({ title, isOpen, onClose, children, isWide = false }: Props) {
  const t = useTranslate();
  const shown = useRef<HTMLDialogElement>(null);
  const name = useId();
  useHold(isOpen);
  useEffect(() => {
    const dialog = shown.current;
    if (!isOpen || dialog === null || dialog.open) return;
    const before = document.activeElement;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("input, select, textarea")?.focus();
    // The dialog is taken away before the browser could do that by itself.
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [isOpen]);
  if (!isOpen) return null;
  return (
    <dialog
      ref={shown}
      aria-labelledby={name}
      onClose={onClose}
      onCancel={onClose}
      onClick={(event) => event.target === shown.current && onClose()}
      className={`m-auto w-[calc(100vw-2rem)] rounded-xl text-left font-normal whitespace-normal border border-line p-0 shadow-2xl ${isWide ? "max-w-3xl" : "max-w-lg"}`}
    >
      <div className="flex max-h-[85dvh] flex-col">
        <div className="flex items-center gap-2 border-b border-line px-4 py-2">
          <h2 id={name} className="min-w-0 flex-1 text-sm">
            {title}
          </h2>
          <IconButton icon={X} label={t("action.close")} onClick={onClose} />
        </div>
        <div className="min-h-0 overflow-y-auto p-4">{children}</div>
      </div>
    </dialog>
  );
}

interface FormProps {
  onSubmit: () => Promise<void> | void;
  onCancel: () => void;
  submit: string;
  isDanger?: boolean;
  isDisabled?: boolean;
  children: ReactNode;
}

export function DialogForm({ onSubmit, onCancel, submit, isDanger = false, isDisabled = false, children }: FormProps) {
  const t = useTranslate();
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const form = useRef<HTMLFormElement>(null);
  /** What the server refuses is said in the form: at the edge of the page the dialog would hide it. */
  async function send(event: FormEvent) {
    event.preventDefault();
    const before = lastToast();
    setBusy(true);
    setFault(null);
    try {
      await onSubmit();
    } finally {
      setBusy(false);
      // What fields say themselves is not said twice.
      await new Promise(requestAnimationFrame);
      if (form.current !== null) {
        const wrong = takeWrong(before);
        setFault(form.current.querySelector("[role=alert]") === null ? wrong : null);
      }
    }
  }
  return (
    <form ref={form} onSubmit={(event) => void send(event)} className="flex flex-col gap-4">
      {children}
      {fault !== null && (
        <p role="alert" className="untrusted text-[13px] text-failed">
          {fault}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>{t("action.cancel")}</Button>
        <Button type="submit" kind={isDanger ? "danger" : "primary"} disabled={isBusy || isDisabled}>
          {submit}
        </Button>
      </div>
    </form>
  );
}

interface FormDialogProps extends Props {
  submit: string;
  isDisabled?: boolean;
  /** Answers whether it was done; the dialog then closes. */
  save: () => Promise<boolean>;
}

/** A form in a dialog of its own. */
export function FormDialog({ title, isOpen, onClose, isWide, submit, isDisabled, save, children }: FormDialogProps) {
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose} isWide={isWide}>
      <DialogForm
        submit={submit}
        isDisabled={isDisabled}
        onCancel={onClose}
        onSubmit={async () => {
          if (await save()) onClose();
        }}
      >
        {children}
      </DialogForm>
    </Dialog>
  );
}

interface ConfirmProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => Promise<void> | void;
  submit: string;
  children: ReactNode;
  /** What has to be typed before what cannot be undone is done. */
  typed?: string;
}

export function Confirm({ title, isOpen, onClose, onConfirm, submit, children, typed }: ConfirmProps) {
  const t = useTranslate();
  const [text, setText] = useState("");
  useEffect(() => setText(""), [isOpen]);
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose}>
      <DialogForm
        submit={submit}
        isDanger={typed !== undefined}
        isDisabled={typed !== undefined && text !== typed}
        onCancel={onClose}
        onSubmit={async () => {
          await onConfirm();
          onClose();
        }}
      >
        <div className="flex flex-col gap-2">{children}</div>
        {typed !== undefined && (
          <label className="flex flex-col gap-1.5">
            <span className="untrusted text-[13px]">{t("confirm.type", { text: typed })}</span>
            <input className="field" value={text} autoComplete="off" onChange={(event) => setText(event.target.value)} />
          </label>
        )}
      </DialogForm>
    </Dialog>
  );
}
