/** Transports and their quick form: what goes into one comes out of the other, once. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AxiosResponse } from 'axios';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request, Response, Transport } from '../../src/call/message.js';
import { type OutcomeReceiver, Passage, type Send, sendOf, transportOf } from '../../src/call/receiver.js';
import { withCall } from '../../src/call/request.js';
import { boundedSend, type TimeLimit } from '../../src/call/time-limit.js';

const request = { url: 'http://a.test/', headers: {} } as Request;
const response = { status: 200, data: 'ok' } as AxiosResponse;

/** What a receiver was told, in order. */
function listening(): OutcomeReceiver & { told: unknown[] } {
  const told: unknown[] = [];
  return { told, answered: ({ data }) => told.push(data), failed: (error) => told.push(error) };
}

async function heard(send: Send): Promise<unknown[]> {
  const receiver = listening();
  send(request, receiver);
  await new Promise((resolve) => setImmediate(resolve));
  return receiver.told;
}

class Seen extends Passage {
  readonly #seen: unknown[];
  readonly #breaks: 'on answers' | 'on failures' | undefined;

  constructor(outer: OutcomeReceiver, seen: unknown[], breaks?: 'on answers' | 'on failures') {
    super(outer);
    this.#seen = seen;
    this.#breaks = breaks;
  }

  protected onAnswer({ data }: Response): void {
    this.#seen.push(data);
    if (this.#breaks === 'on answers') throw new Error('broken');
  }

  protected onFailure(error: unknown): unknown {
    this.#seen.push(error);
    if (this.#breaks === 'on failures') throw new Error('broken');
    return error;
  }
}

describe('the quick form of a transport', () => {
  it.each<[string, Transport, unknown]>([
    ['its answer', async () => response, 'ok'],
    ['its rejection', () => Promise.reject('refused'), 'refused'],
    [
      'what it throws instead of rejecting',
      () => {
        throw 'thrown';
      },
      'thrown',
    ],
    ['an answer that is no promise', () => response as unknown as Promise<Response>, 'ok'],
    // biome-ignore lint/suspicious/noThenProperty: a promise of another kind is the point.
    ['a promise of another kind', () => ({ then: (done: (r: Response) => void) => done(response) }) as never, 'ok'],
    ['a rejection without a reason', () => Promise.reject(), undefined],
  ])('tells %s, once', async (_, transport, outcome) => {
    expect(await heard(sendOf(transport))).toEqual([outcome]);
  });

  it('is the one that the transport was made of', async () => {
    let told = 0;
    const receiver: OutcomeReceiver = { answered: () => told++, failed: () => {} };
    sendOf(transportOf((_, outer) => outer.answered(response)))(request, receiver);
    // A promise would tell later.
    expect(told).toBe(1);
  });

  it('makes a transport that rejects with what it throws', async () => {
    const transport = transportOf(() => {
      throw new Error('broken');
    });
    await expect(transport(request)).rejects.toThrow('broken');
  });

  it('is not taken from a polluted Object.prototype or Function.prototype', async () => {
    const send = sendOf(async () => response);
    const [key] = Object.getOwnPropertySymbols(transportOf(send)) as [symbol];
    Object.assign(Function.prototype, { [key]: (_: Request, receiver: OutcomeReceiver) => receiver.failed('stolen') });
    try {
      expect(await heard(sendOf(async () => response))).toEqual(['ok']);
    } finally {
      Reflect.deleteProperty(Function.prototype, key);
    }
  });
});

describe('passages in a row', () => {
  it('hear of the outcome from the innermost to the outermost, and the caller once, wherever one of them throws', () => {
    const breaks = fc.constantFrom(undefined, 'on answers' as const, 'on failures' as const);
    fc.assert(
      fc.property(fc.array(breaks, { maxLength: 6 }), fc.boolean(), (row, answers) => {
        const caller = listening();
        const seen: unknown[][] = row.map(() => []);
        const inner = row.reduceRight<OutcomeReceiver>(
          (outer, each, at) => new Seen(outer, seen[at] as unknown[], each),
          caller,
        );
        if (answers) inner.answered(response);
        else inner.failed('refused');
        expect(caller.told).toHaveLength(1);
        expect(seen.map(({ length }) => length)).toEqual(row.map(() => 1));
        const broken = row.some((each, at) => {
          const heardAnswer = seen[at]?.[0] === 'ok';
          return each === (heardAnswer ? 'on answers' : 'on failures');
        });
        const [outcome] = caller.told;
        if (broken) expect(outcome).toBeInstanceOf(Error);
        else expect(outcome).toBe(answers ? 'ok' : 'refused');
      }),
    );
  });
});

describe('a request that ignores its abort', () => {
  it('fails in the async context of its call, whoever aborts', async () => {
    const where = new AsyncLocalStorage<string>();
    const controller = new AbortController();
    const seen = where.run('the call', () => {
      const asked = withCall({ ...request, signal: controller.signal });
      return new Promise((resolve) => {
        const told = () => resolve(where.getStore());
        const limit: TimeLimit = { until: 'body', expired: () => new Error('late') };
        boundedSend(() => {}, asked, { answered: told, failed: told }, 1000, limit);
      });
    });
    where.run('somebody else', () => controller.abort());
    expect(await seen).toBe('the call');
  });
});
