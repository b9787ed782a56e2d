/** What the tests of the policies share: a request as axios hands it over, and a wire that a policy can stand around. */
import { AxiosHeaders, type Method } from 'axios';
import type { Request, Response, Transport } from 'pillion';
import { createMockTransport, type MockTransport, type Script } from 'pillion/testing';
import { vi } from 'vitest';
import { Events } from '../../src/call/events.js';
import { attemptEdge } from '../../src/transport/attempt.js';
import { injectedWire } from '../../src/transport/wire.js';
import { baseURL } from '../support/client.js';

/** A request as it comes down from axios. */
export function aRequest(more: Partial<Request> = {}): Request {
  return { url: '/', method: 'get', baseURL, headers: new AxiosHeaders(), ...more } as Request;
}

export interface Alone {
  /** What a policy is put around: rejects a status >= 400, as everything inside the stack does. */
  readonly next: Transport;
  readonly wire: MockTransport;
  readonly events: Events;
}

/** A scripted wire without a client. */
export function alone(...script: Script): Alone {
  const wire = createMockTransport(script);
  const events = new Events();
  return { next: attemptEdge(injectedWire(wire), events), wire, events };
}

/** What a call came to and how long it took, in virtual time. */
export interface Outcome {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly ms: number;
  readonly response: Response | undefined;
  readonly error: (Error & { readonly [key: string]: unknown }) | undefined;
}

/** Runs a call to its end and notes what it came to; never rejects. */
export async function outcomeOf(call: Promise<Response>): Promise<Outcome> {
  const startedAt = performance.now();
  const took = () => performance.now() - startedAt;
  try {
    const response = await call;
    return { status: response.status, code: undefined, ms: took(), response, error: undefined };
  } catch (thrown) {
    const error = thrown as NonNullable<Outcome['error']>;
    const response = error.response as Response | undefined;
    return { status: response?.status, code: error.code as string | undefined, ms: took(), response, error };
  }
}

/** The same, with the clock moved on from timer to timer until the call has ended. */
export async function ended(call: Promise<Response>): Promise<Outcome> {
  const outcome = outcomeOf(call);
  let over = false;
  outcome.then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  for (let steps = 0, idle = 0; !over; steps++) {
    // Streams and promises may take a few turns; a call that waits for nothing never ends.
    idle = vi.getTimerCount() === 0 ? idle + 1 : 0;
    if (idle === 10) throw new Error('The call has not ended, and no timer is left to end it.');
    if (steps === 1000) throw new Error('The call has not ended after a thousand timers.');
    if (idle > 0) await vi.advanceTimersByTimeAsync(0);
    else await vi.advanceTimersToNextTimerAsync();
  }
  return outcome;
}

/** When requests reached the wire, in milliseconds after the first. */
export function times({ requests }: MockTransport): number[] {
  return requests.map(({ at }) => at - (requests[0]?.at ?? 0));
}

export const methods: readonly Method[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'POST', 'PATCH'];
