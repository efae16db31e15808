import { ROOT } from "@/api/root";

const PAUSE = 2000;

/**
 * The program of a page or a part of it. While the server is away it is waited for, as what is shown is; a program that is not there when the server
 * is has been replaced by a newer one, for which the router loads everything anew.
 */
export function served<T>(load: () => Promise<T>): () => Promise<T> {
  return () =>
    load().catch(async () => {
      while (!(await isServed())) await new Promise((resolve) => setTimeout(resolve, PAUSE));
      return load();
    });
}

async function isServed(): Promise<boolean> {
  try {
    return (await fetch(`${ROOT}/health/live`, { cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}
