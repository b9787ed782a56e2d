/** A transport for tests that answers from a script and records every request. */
import { types } from 'node:util';
import type { AxiosAdapter } from 'axios';
import { markOfTest } from '../../call/errors.js';
import { type RecordedRequest, recordRequest } from './recorded.js';
import { play, type Reply } from './replies.js';

/** Replies for matching requests; a request has to meet all given conditions. */
export interface Rule {
  /** HTTP method, in upper or lower case. */
  method?: string;
  /** Path without query: the exact text or a regular expression. */
  path?: string | RegExp;
  /** An additional condition. */
  match?: (request: RecordedRequest) => boolean;
  /** One reply for every match, or a list that is used in order; after its last reply the rule no longer matches. */
  reply: Reply | readonly Reply[];
}

/**
 * Rules and replies. The first matching rule answers a request; if none matches, the next reply outside a rule does.
 */
export type Script = readonly (Reply | Rule)[];

/** An `AxiosAdapter` for `deps.transport`. */
export interface MockTransport extends AxiosAdapter {
  /** Every attempt that reached the transport, as a frozen snapshot, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Appends rules and replies to the script. */
  add(...script: Script): void;
  /** Throws if scripted replies were never requested. */
  assertDone(): void;
  /** Clears the script and the recorded requests. */
  reset(): void;
}

interface RuleState {
  readonly rule: Rule;
  /** Replies not used yet; undefined when one reply answers every match. */
  readonly left: Reply[] | undefined;
}

/**
 * Makes a scripted transport:
 * `createHttpClient(config, { transport: createMockTransport([503, { data: { ok: true } }]) })`.
 * It is called for each attempt, below all policies, so retries, circuits and limits are the real ones. A request
 * without a reply rejects with a plain Error that lists the expected requests; it is not retried.
 */
export function createMockTransport(script: Script = []): MockTransport {
  let rules: RuleState[] = [];
  let replies: Reply[] = [];
  const requests: RecordedRequest[] = [];

  const add = (...more: Script) => {
    for (const each of more) {
      if (!isRule(each)) replies.push(each);
      else rules.push({ rule: each, left: Array.isArray(each.reply) ? [...each.reply] : undefined });
    }
  };
  const find = (request: RecordedRequest): Reply => {
    const state = rules.find(({ rule, left }) => left?.length !== 0 && matches(rule, request));
    if (state !== undefined)
      return state.left === undefined ? (state.rule.reply as Reply) : (state.left.shift() as Reply);
    const next = replies.shift();
    if (next === undefined) throw new Error(unmatched(request, rules));
    return next;
  };
  const adapter: AxiosAdapter = async (config) => {
    const request = recordRequest(config);
    requests.push(request);
    try {
      return await play(find(request), config, request);
    } catch (error) {
      throw markOfTest(error);
    }
  };

  add(...script);
  return Object.assign(adapter, {
    requests,
    add,
    assertDone: () => {
      const unused = replies.length + rules.reduce((sum, { left }) => sum + (left?.length ?? 0), 0);
      if (unused > 0) throw new Error(`The mock transport has ${unused} scripted replies that were never requested.`);
    },
    reset: () => {
      rules = [];
      replies = [];
      requests.length = 0;
    },
  });
}

function isRule(entry: Reply | Rule): entry is Rule {
  return typeof entry === 'object' && 'reply' in entry && !('arrived' in entry);
}

function matches({ method, path, match }: Rule, request: RecordedRequest): boolean {
  if (method !== undefined && method.toUpperCase() !== request.method) return false;
  if (typeof path === 'string' && path !== request.path) return false;
  if (types.isRegExp(path) && request.path.search(path) < 0) return false;
  return match?.(request) ?? true;
}

function unmatched({ method, path, attempt }: RecordedRequest, rules: readonly RuleState[]): string {
  const expected = rules.map(({ rule, left }) => describe(rule, left?.length));
  const known = expected.length === 0 ? 'nothing more' : expected.join('; ');
  return `The mock transport has no reply for ${method} ${path} (attempt ${attempt}). Expected: ${known}.`;
}

function describe({ method: asked, path, match }: Rule, left: number | undefined): string {
  const method = asked?.toUpperCase() ?? 'any method';
  const where = path === undefined ? 'any path' : String(path);
  const used = left === 0 ? ' (used up)' : '';
  return `${method} ${where}${match === undefined ? '' : ' where match() holds'}${used}`;
}
