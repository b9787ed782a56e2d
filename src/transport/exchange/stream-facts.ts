/** What code of axios reads off a streamed body, which there is Node's own `IncomingMessage`. */
import { headerList } from '../../call/headers.js';
import type { Response } from '../../call/message.js';

/** The answer that a streamed body belongs to. */
export interface AnswerFacts {
  readonly head: Pick<Response, 'status' | 'statusText' | 'headers'>;
  readonly httpVersion: string;
  /** Names and values in turns, as they came; undefined where they are not known. */
  readonly rawHeaders: readonly (string | Buffer)[] | undefined;
  /** Filled once the body has arrived. */
  readonly trailers: Record<string, unknown>;
  /** The same, names and values in turns. */
  readonly rawTrailers: string[];
  /** The URL of the last request, without credentials. */
  responseUrl(): string | undefined;
}

/** A body, and how far it has come. */
interface Streamed {
  readonly facts: AnswerFacts | undefined;
  readonly complete: boolean;
  readonly destroyed: boolean;
}

const readers: Readonly<Record<string, (facts: AnswerFacts, stream: Streamed) => unknown>> = {
  headers: ({ head }) => ({ ...head.headers }),
  rawHeaders: ({ head, rawHeaders }) =>
    rawHeaders?.map((each) => (typeof each === 'string' ? each : each.toString('latin1'))) ?? headerList(head.headers),
  trailers: ({ trailers }) => trailers,
  rawTrailers: ({ rawTrailers }) => rawTrailers,
  statusCode: ({ head }) => head.status,
  statusMessage: ({ head }) => head.statusText,
  httpVersion: ({ httpVersion }) => httpVersion,
  httpVersionMajor: ({ httpVersion }) => Number(httpVersion.split('.')[0]),
  httpVersionMinor: ({ httpVersion }) => Number(httpVersion.split('.')[1] ?? 0),
  responseUrl: (facts) => facts.responseUrl(),
  aborted: (_, { complete, destroyed }) => destroyed && !complete,
};

/** Notes the headers that came behind a body. */
export function noteTrailers(facts: AnswerFacts, trailers: Record<string, unknown>): void {
  Object.assign(facts.trailers, trailers);
  facts.rawTrailers.push(...headerList(trailers));
}

/** Adds the getters to the prototype of a class of streams: a stream that nobody asks pays nothing for them. */
export function withFacts(prototype: Streamed): void {
  for (const [name, read] of Object.entries(readers)) {
    const own = (stream: object, value: unknown) =>
      Object.defineProperty(stream, name, { __proto__: null, value, writable: true, configurable: true } as object);
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: Streamed) {
        const value = this.facts && read(this.facts, this);
        // Objects are kept, so that what code sets on them is there the next time.
        if (typeof value === 'object' && value !== null) own(this, value);
        return value;
      },
      set(this: object, value: unknown) {
        own(this, value);
      },
    });
  }
}
