import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Plain JavaScript, so that it runs as it is on every version of Node; imported by URL, since it has no types.
const load = (name: string) => import(new URL(name, import.meta.url).href);
const { allocatedBy } = await load('allocation.mjs');
const { cases } = await load('cases.mjs');
const { writeCertificates } = await load('certificates.mjs');
const { chart } = await load('chart.mjs');
const { exchange } = await load('exchange.mjs');
const { openLoop, warmUp } = await load('load.mjs');
const { RequestReader } = await load('http1.mjs');
const { missing, variants } = await load('variants.mjs');

describe('every variant', () => {
  const names: string[] = Object.keys(variants).filter((name) => missing(variants[name]) === undefined);
  let upstream: ChildProcess;
  let certificates: { remove(): void };
  let ports: { port: number; tlsPort: number };

  beforeAll(async () => {
    certificates = await writeCertificates();
    upstream = fork('test/bench/upstream.mjs', [JSON.stringify({ tls: certificates })]);
    [ports] = (await once(upstream, 'message')) as [typeof ports];
  });
  afterAll(() => {
    upstream.disconnect();
    certificates.remove();
  });

  it.each(names)('answers every case: %s', async (name) => {
    const { make } = variants[name];
    const plain = await make({ origin: `http://127.0.0.1:${ports.port}` });
    const secure = await make({ origin: `https://localhost:${ports.tlsPort}`, tls: certificates });
    for (const { request, mtls } of cases) await exchange((mtls ? secure : plain)(request), request)();
    const wrong = { ...cases[0].request, path: '/10m', answer: 'stream' };
    await expect(exchange(plain(wrong), { ...wrong, path: '/100k' })()).rejects.toThrow(/10485760.*102400/s);
  });
});

describe('the reader of the upstream', () => {
  const requests = [
    'GET /a HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody',
    'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n1a\r\n01234567890123456789012345\r\n0\r\n\r\n',
    'GET /d HTTP/1.1\r\nHost: x\r\n\r\n',
  ];

  it.each([1, 2, 3, 7, 1000])('finds where requests end in pieces of %i bytes', (size) => {
    const bytes = Buffer.from(requests.join(''));
    const paths: string[] = [];
    const reader = new RequestReader((path: string) => paths.push(path));
    for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
    expect(paths).toEqual(['/a', '/b', '/c', '/d']);
  });
});

describe('the count of allocated bytes', () => {
  it('is what objects take, over many collections', async () => {
    const count = 2_000_000;
    const kept: { a: number; b: number }[] = [];
    const bytes: number = await allocatedBy(async () => {
      for (let index = 0; index < count; index++) kept[index % 10] = { a: index, b: index };
    });
    // A map, two tables and two fields of eight bytes; where pointers are compressed, four.
    expect(bytes / count).toBeGreaterThan(18);
    expect(bytes / count).toBeLessThan(44);
  });
});

describe('the bytes alive for a call in flight', () => {
  // In a process of its own, whose heap is small.
  const script = `
    import { bytesAlive, heldWire } from './test/bench/alive.mjs';
    const wire = heldWire();
    const send = () => wire.transport({ numbers: Array.from({ length: 1000 }, (_, index) => index + 0.5) });
    console.log(JSON.stringify(await bytesAlive(send, 500, wire, 1)));`;

  it('are what a call holds until it is answered', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    const { bytes, idle } = JSON.parse(stdout) as { bytes: number; idle: number };
    // A thousand doubles of eight bytes with room to grow, and some objects.
    expect(bytes).toBeGreaterThan(8000);
    expect(bytes).toBeLessThan(14_000);
    expect(idle).toBeLessThan(1000);
  });
});

describe('the open loop', () => {
  it('counts latency from when a call was due, so that a stall does not hide itself', async () => {
    let calls = 0;
    const latencies: number[] = await openLoop(
      async () => {
        const end = performance.now() + (++calls === 1 ? 50 : 0);
        while (performance.now() < end);
      },
      1000,
      0.04,
    );
    expect(latencies).toHaveLength(40);
    // All forty were due within the fifty milliseconds of the stall.
    expect(Math.min(...latencies)).toBeGreaterThan(9);
  });
});

describe('warming up', () => {
  it('goes on until so many calls are made, however slow they are, with no more callers than are measured', async () => {
    let calls = 0;
    let most = 0;
    let running = 0;
    const slow = async () => {
      calls++;
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    };
    await warmUp(slow, 3, 0, 40);
    expect([calls, most]).toEqual([40, 3]);
    await warmUp(slow, 60, 0.001, 0);
    expect(calls).toBeGreaterThanOrEqual(40 + 50 + 60);
    expect(most).toBe(60);
  });
});

describe('the chart', () => {
  const row = (variant: string, ratio: number) => ({ variant, throughput: { ratio }, cpu: { median: 100 / ratio } });
  const groups = [{ title: 'GET <1 & "2">', callers: 1, rows: [row('axios', 1), row('own', 2)] }];
  const look = { titles: { axios: 'axios', own: 'ours' }, own: new Set(['own']), about: 'Node', base: 'axios' };
  const svg: string = chart(groups, look);

  it('is well-formed', () => {
    const open: string[] = [];
    const content = svg.replace(/<(\/?)(\w+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g, (_, close, name, _attributes, empty) => {
      if (close) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return '';
    });
    expect(open).toEqual([]);
    expect(content).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot);)/);
    expect(svg).toContain('GET &lt;1 &amp; &quot;2&quot;&gt;, 1 caller<');
  });

  it('names itself to those who do not see it, and has colours for dark screens', () => {
    expect(svg).toMatch(/role="img" aria-labelledby="title desc"/);
    expect(svg).toContain('<title id="title">HTTP clients compared with axios</title>');
    expect(svg).toMatch(/<desc id="desc">.+<\/desc>/);
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  it('draws twice the throughput as twice the length', () => {
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toEqual([115, 230, 230, 115]);
  });
});
