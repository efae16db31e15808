const said = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="taskforge-${name}"]`)?.content ?? "";

/** The path that the server, or the proxy before it, serves everything under; empty at the top of a host. */
export const ROOT = said("root");

/** What this installation is, such as staging; empty where nobody has said so. */
export const ENVIRONMENT = said("environment");
