import createClient, { type Middleware } from "openapi-fetch";

import { credentialHeaders } from "./credentials";
import type { paths } from "./generated";
import { ApiProblem } from "./problem";
import { ROOT } from "./root";

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

/** Wait until it is done; what it answers with does not matter. Throws ApiProblem. */
export async function done(asked: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await answered(asked);
  if (!response.ok) throw ApiProblem.from(response.status, error);
}
