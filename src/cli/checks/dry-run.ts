/** Opens a connection step by step (resolve, connect, handshake of TLS or HTTP/2) without sending a request. */
import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import http2 from 'node:http2';
import net, { type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import { plainHost } from '../../call/url.js';
import type { Config } from '../../client/config/config.js';
import { alternativeNames, notAfter, oneLine } from '../../transport/tls/certificate.js';
import { daysLeft } from '../../transport/tls/expiry.js';
import { checkMaterial, readMaterial } from '../../transport/tls/material.js';
import { partsOf, standardPeer, tlsConnectOptions } from '../../transport/tls/tls.js';

export interface ProbeStep {
  readonly step: 'identity' | 'resolve' | 'connect' | 'handshake' | 'server';
  readonly detail: string;
  readonly ms?: number;
  readonly failed?: true;
}

export interface ProbeReport {
  readonly origin: string;
  readonly ok: boolean;
  readonly steps: readonly ProbeStep[];
}

type ProbedConfig = Config & { baseURL: string };

/**
 * In TLS 1.3 a server rejects a client's certificate only after the handshake; the probe waits this long for its alert.
 */
const lateAlert = 300;

/** Never throws: a failure is recorded in the report as its failed step. */
export async function probeClient(config: ProbedConfig): Promise<ProbeReport> {
  const steps: ProbeStep[] = [];
  const url = new URL(config.baseURL);
  const target = targetOf(url, config);
  const done = (ok: boolean): ProbeReport => ({ origin: url.origin, ok, steps });
  let step: ProbeStep['step'] = 'identity';
  let socket: Socket | undefined;
  try {
    const options = url.protocol === 'https:' ? identityOf(config, steps) : undefined;
    step = 'resolve';
    const addresses = await timed(
      steps,
      step,
      () => lookup(target.host, { all: true }),
      (all) => all.map(({ address }) => address).join(', '),
    );
    step = 'connect';
    const { host, port, servername } = target;
    const limit = timeoutOf(config);
    const connecting = () => within(net.connect({ host, port, lookup: fixed(addresses) }), limit, 'connect');
    socket = await timed(
      steps,
      step,
      connecting,
      ({ remoteAddress, remotePort }) => `${remoteAddress} port ${remotePort}`,
    );
    const connection = socket;
    if (options === undefined) {
      if (config.allowH2 !== 'prior-knowledge') return done(true);
      step = 'handshake';
      await timed(
        steps,
        step,
        () => settingsFrom(connection, url, limit),
        () => 'HTTP/2 without TLS',
      );
      return done(true);
    }
    step = 'handshake';
    const asked: ConnectionOptions = {
      ...options,
      servername,
      ALPNProtocols: config.allowH2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    };
    const secure = await timed(steps, step, () => secured(connection, asked, host, limit), protocolOf);
    steps.push({ step: 'server', detail: describe(new X509Certificate(secure.getPeerCertificate().raw)) });
    await stays(secure).finally(() => secure.destroy());
    return done(true);
  } catch (error) {
    steps.push({ step, detail: why(error as NodeJS.ErrnoException), failed: true });
    if (step === 'handshake' && url.protocol === 'https:' && !steps.some((each) => each.step === 'server'))
      await addRefused(target, timeoutOf(config), steps);
    return done(false);
  } finally {
    socket?.destroy();
  }
}

interface ProbedTarget {
  readonly host: string;
  readonly port: number;
  /** For SNI; empty for an IP address, because SNI allows host names only. */
  readonly servername: string;
}

function targetOf(url: URL, { tls: section }: ProbedConfig): ProbedTarget {
  const host = plainHost(url);
  const standard = url.protocol === 'https:' ? 443 : 80;
  return { host, port: Number(url.port || standard), servername: section?.serverName ?? (net.isIP(host) ? '' : host) };
}

async function timed<T>(
  steps: ProbeStep[],
  step: ProbeStep['step'],
  work: () => Promise<T>,
  detail: (result: T) => string,
): Promise<T> {
  const started = performance.now();
  const result = await work();
  steps.push({ step, detail: detail(result), ms: performance.now() - started });
  return result;
}

/** TLS options with the client's certificate, which is added to the report. */
function identityOf({ tls: section }: ProbedConfig, steps: ProbeStep[]): ConnectionOptions {
  const { material, peer } = section === undefined ? { material: undefined, peer: standardPeer } : partsOf(section);
  if (material === undefined) return tlsConnectOptions({}, peer);
  const loaded = checkMaterial(material, readMaterial(material));
  const detail = loaded.certificate === undefined ? 'no client certificate' : describe(loaded.certificate);
  steps.push({ step: 'identity', detail });
  return tlsConnectOptions(loaded.material, peer);
}

function timeoutOf({ timeouts }: Config): number {
  return timeouts === false || timeouts.connect === false ? 10_000 : timeouts.connect;
}

/** Answers with the addresses already resolved, so that the connect step does not measure a second look-up. */
function fixed(addresses: { address: string; family: number }[]): net.LookupFunction {
  return (_, options, callback) => {
    if (options.all) (callback as (error: null, all: typeof addresses) => void)(null, addresses);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
}

function secured(socket: Socket, options: ConnectionOptions, host: string, limit: number): Promise<TLSSocket> {
  return within(tls.connect({ ...options, socket, host }), limit, 'secureConnect');
}

/** Waits for the SETTINGS of a server that speaks HTTP/2 without TLS; they come before any request. */
function settingsFrom(socket: Socket, url: URL, limit: number): Promise<void> {
  const session = http2.connect(url, { createConnection: () => socket });
  let timer: NodeJS.Timeout | undefined;
  return new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(noAnswer(limit)), limit);
    session.once('remoteSettings', () => resolve());
    session.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code?.startsWith('ERR_HTTP2_') ? new Error('the server does not speak HTTP/2') : error),
    );
    session.once('close', () => reject(new Error('the server closed the connection before its HTTP/2 SETTINGS')));
  }).finally(() => {
    clearTimeout(timer);
    session.destroy();
  });
}

function noAnswer(limit: number): Error {
  return new Error(`no answer within timeouts.connect of ${limit} ms`);
}

/** @throws Error with the server's alert when it rejects the client's certificate after the handshake */
async function stays(socket: TLSSocket): Promise<void> {
  const over = new AbortController();
  const closed = once(socket, 'close', over).then(() => {
    throw new Error('the server closed the connection right after the handshake');
  });
  await Promise.race([closed, pause(lateAlert, undefined, over)]).finally(() => over.abort());
}

async function within<S extends Socket>(socket: S, limit: number, event: string): Promise<S> {
  const timer = setTimeout(() => socket.destroy(noAnswer(limit)), limit);
  try {
    await once(socket, event);
    return socket;
  } finally {
    clearTimeout(timer);
  }
}

function protocolOf(socket: TLSSocket): string {
  return [socket.getProtocol(), socket.getCipher().name, socket.alpnProtocol || 'no ALPN'].join(', ');
}

/**
 * Adds the certificate of a server whose handshake failed: connects again, for the report only, without verification
 * and without the client's certificate.
 */
async function addRefused(target: ProbedTarget, limit: number, steps: ProbeStep[]): Promise<void> {
  const socket = tls.connect({ ...target, rejectUnauthorized: false });
  socket.on('error', () => {});
  try {
    await within(socket, limit, 'secureConnect');
    steps.push({ step: 'server', detail: describe(new X509Certificate(socket.getPeerCertificate().raw)) });
  } catch {
    // Without a handshake there is no certificate to report.
  } finally {
    socket.destroy();
  }
}

function describe(certificate: X509Certificate): string {
  const until = `until ${notAfter(certificate)} (${daysLeft(certificate)} days left)`;
  const names = alternativeNames(certificate).join(' ') || 'no alternative names';
  const subject = oneLine(certificate.subject) || 'no subject';
  return `${subject}; ${names}; issued by ${oneLine(certificate.issuer)}; ${until}`;
}

function why(error: NodeJS.ErrnoException & { errors?: Error[] }): string {
  const message = error.message || (error.errors ?? []).map((each) => each.message).join('; ');
  return error.code === undefined || message.includes(error.code) ? message : `${error.code} ${message}`;
}
