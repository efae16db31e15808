/** The path that the server, or the proxy before it, serves everything under; empty at the top of a host. */
export const ROOT = document.querySelector<HTMLMetaElement>('meta[name="taskforge-root"]')?.content ?? "";
