import { CheckCircle2, TriangleAlert, X } from "lucide-react";

import { useTranslate } from "@/i18n/translate";
import { useStore } from "./store";
import { dismiss, holdToasts, toasts } from "./toasts";

export function Toasts() {
  const t = useTranslate();
  const { shown } = useStore(toasts);
  return (
    <div
      className="fixed right-4 bottom-4 z-50 flex w-[min(26rem,calc(100vw-2rem))] flex-col gap-2"
      role="status"
      aria-live="polite"
      onMouseEnter={() => holdToasts(true)}
      onMouseLeave={() => holdToasts(false)}
      onFocus={() => holdToasts(true)}
      onBlur={() => holdToasts(false)}
    >
      {shown.map((toast) => (
        <div key={toast.id} className="flex items-start gap-3 rounded-lg border border-line bg-raised p-3 shadow-lg">
          {toast.kind === "done" ? (
            <CheckCircle2 aria-hidden className="mt-0.5 size-4 shrink-0 text-succeeded" />
          ) : (
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-failed" />
          )}
          <span className="untrusted min-w-0 flex-1">{toast.text}</span>
          {toast.undo && (
            <button
              type="button"
              className="font-semibold text-accent hover:underline"
              onClick={() => {
                toast.undo?.();
                dismiss(toast.id);
              }}
            >
              {t("action.undo")}
            </button>
          )}
          <button type="button" aria-label={t("action.dismiss")} className="text-muted hover:text-ink" onClick={() => dismiss(toast.id)}>
            <X aria-hidden className="size-4" />
          </button>
        </div>
      ))}
    </div>
  );
}
