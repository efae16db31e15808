import { translate } from "@/i18n/translate";
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

  /** No answer came at all. */
  static unreachable(): ApiProblem {
    return new ApiProblem(0, "unreachable", translate("problem.unreachable"), translate("problem.unreachable_hint"));
  }

  static from(status: number, body: unknown): ApiProblem {
    const said = (typeof body === "object" && body !== null ? body : {}) as Partial<Body>;
    const message = said.message ?? said.detail;
    return new ApiProblem(
      status,
      said.code ?? "unknown",
      message ?? translate(status >= 500 ? "problem.broken" : "problem.refused", { status: String(status) }),
      message === undefined && status >= 500 ? translate("problem.broken_hint") : said.hint,
      said.errors,
      said.request_id,
    );
  }
}

/** Whether asking once more may help: it did not come through, or the server was in trouble. */
export const isPassing = (error: unknown) => !(error instanceof ApiProblem) || error.status === 0 || error.status >= 500 || error.status === 429;

export const isUnauthenticated = (error: unknown) => error instanceof ApiProblem && error.status === 401;
