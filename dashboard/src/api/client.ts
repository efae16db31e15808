import createClient, { type Middleware } from "openapi-fetch";

import { credentialHeaders } from "./credentials";
import type { paths } from "./generated";
import { ApiProblem } from "./problem";
import { ROOT } from "./root";
import type { ListMeta } from "./types";

const credentials: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentialHeaders(request.method))) request.headers.set(name, value);
    request.headers.set("Accept-Language", document.documentElement.lang);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: ROOT, credentials: "same-origin" });
api.use(credentials);

interface Answer<Body> {
  data?: Body;
  error?: unknown;
  response: Response;
}

/** What came back; a server that cannot be reached is a problem as well. */
async function answered<Body>(asked: Promise<Answer<Body>>): Promise<Answer<Body>> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TypeError) throw ApiProblem.unreachable();
    throw error;
  }
}

/** The body of a success. Throws ApiProblem. */
export async function body<Body>(asked: Promise<Answer<Body>>): Promise<Body> {
  const { data, error, response } = await answered(asked);
  if (!response.ok || data === undefined) throw ApiProblem.from(response.status, error);
  return data;
}

/** What an envelope holds. Throws ApiProblem. */
export async function data<Data>(asked: Promise<Answer<{ data: Data }>>): Promise<Data> {
  return (await body(asked)).data;
}

/** So many things the server lists at once, and so many pages have numbers. */
export const MOST = 200;
const PAGES = 50;
/** So many things of a list at most are asked for as a whole. */
export const WHOLE = MOST * PAGES;

/** All of a list, which comes in pages: `WHOLE` at most. Throws ApiProblem. */
export async function whole<Item>(ask: (page: { page: number; limit: number }) => Promise<Answer<{ data: Item[]; meta: ListMeta }>>): Promise<Item[]> {
  const items: Item[] = [];
  for (let page = 1; page <= PAGES; page += 1) {
    const part = await body(ask({ page, limit: MOST }));
    items.push(...part.data);
    if (!part.meta.has_more) break;
  }
  return items;
}

/** Wait until it is done; what it answers with does not matter. Throws ApiProblem. */
export async function done(asked: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await answered(asked);
  if (!response.ok) throw ApiProblem.from(response.status, error);
}
