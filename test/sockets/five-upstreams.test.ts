/** Five upstream processes behind one name: one errs, is slow, is killed, comes back, and the name changes; no call fails. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHttpClient, endpointOf, type HttpClient, type Policy } from 'pillion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, silent, until } from '../support/client.js';
import { type DnsServer, startDnsServer } from '../support/dns-server.js';

type Mode = 'well' | 'slow' | 'erring';

/** One upstream in a process of its own. */
class Upstream {
  readonly address: string;
  #child: ChildProcess | undefined;

  constructor(address: string) {
    this.address = address;
  }

  /** Resolves with the port it listens on. */
  start(port: number): Promise<number> {
    const script = new URL('./upstream-process.mjs', import.meta.url);
    const child = fork(script, [this.address, String(port)], { execArgv: [] });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once('message', (told: { listening: number }) => resolve(told.listening));
      child.once('error', reject);
    });
  }

  become(mode: Mode): void {
    this.#child?.send({ mode });
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      this.#child?.once('exit', () => resolve());
      this.#child?.kill('SIGKILL');
    });
  }
}

/** Milliseconds; real ones are thirty times as long. */
const interval = 300;
const ejection = 600;

const upstreams = [1, 2, 3, 4, 5].map((host) => new Upstream(`127.0.0.${host}`));
const [first, second, third, fourth, fifth] = upstreams as [Upstream, Upstream, Upstream, Upstream, Upstream];
let dns: DnsServer;
let client: HttpClient;
let port: number;
let running = true;
let callers: Promise<void>[];
/** Which upstream answered each call, since the last look. */
let answers: string[] = [];
const failures: unknown[] = [];
let calls = 0;

async function caller(): Promise<void> {
  while (running) {
    calls++;
    try {
      const { data } = await client.get<string>('/');
      answers.push(data);
    } catch (error) {
      failures.push((error as { code?: string }).code ?? error);
    }
    await pause(10);
  }
}

/** What went on since `since`, by upstream. A share of all attempts would be one of a number that the machine decides. */
let since = 0;
/** Attempts, those of retries and hedges too. */
let attempts: Record<string, number> = {};
/** Milliseconds of all attempts together. */
let underWay: Record<string, number> = {};
/** How often an ejection was over. */
let returns: Record<string, number> = {};

const asking: Policy = (next) => async (request) => {
  const address = endpointOf(request)?.address ?? '';
  const from = performance.now();
  attempts[address] = (attempts[address] ?? 0) + 1;
  try {
    return await next(request);
  } finally {
    underWay[address] = (underWay[address] ?? 0) + performance.now() - Math.max(from, since);
  }
};

interface Seen {
  readonly attempts: number;
  readonly returns: number;
  /** Attempts that were under way at a time, on the average. */
  readonly underWay: number;
}

/** What the upstream sees from now until `over` resolves. */
async function seenBy({ address }: Upstream, over: () => Promise<void>): Promise<Seen> {
  [attempts, underWay, returns, since] = [{}, {}, {}, performance.now()];
  await over();
  const endpoint = `${address}:${port}`;
  const of = (counts: Record<string, number>) => counts[endpoint] ?? 0;
  return { attempts: of(attempts), returns: of(returns), underWay: of(underWay) / (performance.now() - since) };
}

const aHundred = () => until(() => Object.values(attempts).reduce((sum, each) => sum + each, 0) >= 100);
const fourIntervals = () => pause(4 * interval);

/** It answers calls again. */
async function back({ address }: Upstream): Promise<void> {
  answers = [];
  await until(() => answers.some((answer) => answer.startsWith(`${address} `)));
}

beforeAll(async () => {
  dns = await startDnsServer({}, afterAll);
  port = await first.start(0);
  await Promise.all([second, third, fourth, fifth].map((each) => each.start(port)));
  dns.zone['api.test'] = { A: upstreams.map(({ address }) => address) };
  client = createHttpClient(
    {
      baseURL: `http://api.test:${port}`,
      endpoints: { dns: { address: `api.test:${port}`, refresh: 200, family: 'ipv4', servers: [dns.address] } },
      balance: { slowStart: 300 },
      outlierDetection: { interval, baseEjectionTime: ejection, maxEjectionTime: ejection },
      timeouts: { attempt: 400, connect: 200, total: '5s' },
      retry: { backoff: { base: 10 } },
      hedging: { delay: 100, budget: 0.1 },
    },
    { logger: silent, perAttempt: [asking] },
  );
  client.on('endpoint.returned', ({ endpoint }) => {
    returns[endpoint] = (returns[endpoint] ?? 0) + 1;
  });
  callers = Array.from({ length: 20 }, caller);
  await until(() => calls > 500);
});

afterAll(async () => {
  running = false;
  await Promise.all(callers);
  await client.close();
  await Promise.all(upstreams.map((each) => each.kill()));
});

/** As many failures as eject an endpoint, and as many calls that are under way to it by then. */
const tries = 10;
/** A fair share of the callers is 4; the client's policies ask twice at times. */
const fairShare = 6;

describe.sequential('five upstreams behind one name', () => {
  it('all get calls while all are well, under the name of baseURL', async () => {
    for (const upstream of upstreams) expect((await seenBy(upstream, aHundred)).attempts).toBeGreaterThan(5);
    expect(new Set(answers.map((answer) => answer.split(' ')[1]))).toEqual(new Set([`api.test:${port}`]));
    expect(failures).toEqual([]);
  });

  it('lose the one that errs within an interval, and get it back', async () => {
    second.become('erring');
    await pause(interval);
    const seen = await seenBy(second, fourIntervals);
    expect(seen.attempts).toBeLessThanOrEqual((1 + seen.returns) * tries);
    second.become('well');
    await back(second);
    expect(failures).toEqual([]);
  });

  it('have no more than a share of the callers wait for the one that is slow', async () => {
    third.become('slow');
    await pause(interval);
    expect((await seenBy(third, fourIntervals)).underWay).toBeLessThan(fairShare);
    third.become('well');
    await back(third);
    expect(failures).toEqual([]);
  });

  it('lose the one that is killed at once, and get it back when it runs again', async () => {
    await fourth.kill();
    await pause(interval);
    const seen = await seenBy(fourth, fourIntervals);
    expect(seen.attempts).toBeLessThanOrEqual((1 + seen.returns) * tries);
    await fourth.start(port);
    await back(fourth);
    expect(failures).toEqual([]);
  });

  it('become others when the name does: those that are gone get no more calls', async () => {
    const gone: string[] = [];
    const stop = client.on('endpoints.changed', ({ removed }) => gone.push(...removed));
    dns.zone['api.test'] = { A: [first.address, second.address] };
    await until(() => gone.includes(`${fifth.address}:${port}`));
    stop();
    expect((await seenBy(fifth, aHundred)).attempts).toBe(0);
    dns.zone['api.test'] = { A: upstreams.map(({ address }) => address) };
    await back(fifth);
    expect(failures).toEqual([]);
  });

  it('stay as they are while the name cannot be looked up', async () => {
    dns.zone['api.test'] = { fails: 'SERVFAIL' };
    const failed: string[] = [];
    const stop = client.on('endpoints.lookup_failed', ({ message }) => failed.push(message));
    await until(() => failed.length > 0);
    for (const upstream of upstreams) expect((await seenBy(upstream, aHundred)).attempts).toBeGreaterThan(2);
    stop();
  });

  it('have let no call fail in all of this', async () => {
    await until(() => calls > 2000);
    expect(failures).toEqual([]);
  });
});
