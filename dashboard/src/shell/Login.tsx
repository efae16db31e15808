import { type FormEvent, useEffect, useState } from "react";

import { api, data } from "@/api/client";
import { rememberCsrfToken, keepKey } from "@/api/credentials";
import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { nextLanguage, useTranslate } from "@/i18n/translate";
import { usePreferences } from "./preferences";

export function Login({ onLogin }: { onLogin: () => Promise<void> }) {
  const t = useTranslate();
  const { language } = usePreferences();
  const [way, setWay] = useState<"password" | "key">("password");
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${t("login.title")} · TaskForge`;
  }, [t]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = (name: string) => String(form.get(name) ?? "").trim();
    setBusy(true);
    setFault(null);
    try {
      if (way === "key") await logInByKey(given("key"));
      else await logInByPassword(given("email"), String(form.get("password") ?? ""), given("organization"));
      await onLogin();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-4 bg-panel p-4">
      <form onSubmit={(event) => void submit(event)} className="flex w-full max-w-sm flex-col gap-4 rounded-xl border border-line bg-raised p-6 shadow-sm">
        <h1>{t("login.title")}</h1>
        {way === "password" ? (
          <>
            <Field label={t("login.email")}>
              <input name="email" required autoComplete="username" className="field" autoFocus />
            </Field>
            <Field label={t("login.password")}>
              <input name="password" type="password" required autoComplete="current-password" className="field" />
            </Field>
            <Field label={t("login.organization")} hint={t("login.organization_hint")}>
              <input name="organization" className="field" autoComplete="organization" />
            </Field>
          </>
        ) : (
          <Field label={t("login.key")} hint={t("login.key_hint")}>
            <input name="key" required autoComplete="off" type="password" className="field font-mono" autoFocus />
          </Field>
        )}
        {fault !== null && (
          <p role="alert" className="untrusted text-[13px] text-failed">
            {fault}
          </p>
        )}
        <Button type="submit" kind="primary" disabled={isBusy}>
          {t("login.log_in")}
        </Button>
        <Button kind="quiet" onClick={() => setWay(way === "key" ? "password" : "key")}>
          {t(way === "key" ? "login.by_password" : "login.by_key")}
        </Button>
      </form>
      <Button
        kind="quiet"
        lang={language === "en" ? "id" : "en"}
        onClick={nextLanguage}
      >
        {language === "en" ? "Bahasa Indonesia" : "English"}
      </Button>
    </main>
  );
}

async function logInByPassword(email: string, password: string, organization: string): Promise<void> {
  const body = { email, password, cookie: true, ...(organization ? { organization } : {}) };
  const session = await data(api.POST("/api/v1/auth/login", { body }));
  if ("csrf_token" in session) rememberCsrfToken(session.csrf_token);
}

async function logInByKey(key: string): Promise<void> {
  keepKey(key);
  try {
    await data(api.GET("/api/v1/auth/me"));
  } catch (error) {
    keepKey(null);
    throw error;
  }
}
