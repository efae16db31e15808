import type { components } from "./generated";

type Body = components["schemas"]["Problem"];

/** What the server says when it refuses: RFC 9457, with a stable code. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
    readonly errors: NonNullable<Body["errors"]> = [],
    readonly requestId?: string | null,
  ) {
    super(message);
    this.name = "ApiProblem";
  }

  static from(status: number, body: unknown): ApiProblem {
    const said = (typeof body === "object" && body !== null ? body : {}) as Partial<Body>;
    return new ApiProblem(
      status,
      said.code ?? "unknown",
      said.message ?? said.detail ?? `HTTP ${status}`,
      said.hint,
      said.errors,
      said.request_id,
    );
  }
}

export const isUnauthenticated = (error: unknown) => error instanceof ApiProblem && error.status === 401;
