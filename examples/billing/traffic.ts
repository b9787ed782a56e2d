/** The service: callers that ask for invoices, phase by phase, and what they lived through. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAxiosError } from 'axios';
import type { HttpClient } from 'pillion';
import type { Phase, Tally } from './scenario.js';

/** Runs a phase to its end; `tally` can be watched meanwhile. */
export async function runPhase(client: HttpClient, tally: Tally): Promise<void> {
  const stop = [
    client.on('attempt.started', () => tally.attempts++),
    client.on('retry.scheduled', () => tally.retries++),
  ];
  await Promise.all(Array.from({ length: tally.phase.callers }, () => caller(client, tally)));
  for (const off of stop) off();
}

export function emptyTally(phase: Phase): Tally {
  return { phase, calls: 0, ok: 0, attempts: 0, retries: 0, outcomes: new Map(), durations: [] };
}

async function caller(client: HttpClient, tally: Tally): Promise<void> {
  const { phase, outcomes, durations } = tally;
  while (!phase.enough(tally)) {
    const invoice = ++tally.calls;
    const startedAt = performance.now();
    const outcome = await ask(client, phase, invoice);
    durations.push(performance.now() - startedAt);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (outcome === '200') tally.ok++;
    if (phase.pause !== undefined) await sleep(phase.pause);
  }
}

/** One call, and its status or error code. */
async function ask(client: HttpClient, { post }: Phase, invoice: number): Promise<string> {
  const route = { routeName: '/invoices/{id}' };
  try {
    const { status } =
      post === undefined
        ? await client.get(`/invoices/${invoice}`, route)
        : await client.post(`/invoices/${invoice}`, { paid: true }, { ...route, ...post(invoice) });
    return String(status);
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    return String(error.response?.status ?? error.code);
  }
}
