/** A DNS server on loopback that answers from a table which the test may change at any time. */
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type RecordType = 'A' | 'AAAA' | 'SRV';

export interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** What a name has; a failure or silence for all that is asked of it. */
export interface Name {
  A?: readonly string[];
  AAAA?: readonly string[];
  SRV?: readonly Srv[];
  /** Seconds; 60 by default. */
  ttl?: number;
  fails?: 'SERVFAIL' | 'NXDOMAIN' | 'silence';
}

export interface Query {
  readonly name: string;
  readonly type: RecordType | 'other';
  /** `performance.now()`. */
  readonly at: number;
}

export interface DnsServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** By name; one that is not there does not exist. */
  readonly zone: Record<string, Name>;
  readonly queries: readonly Query[];
  close(): Promise<void>;
}

const types: Readonly<Record<number, RecordType>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const codes = { SERVFAIL: 2, NXDOMAIN: 3 };

/** Ends with the test that started it, or with what `whenOver` waits for. */
export async function startDnsServer(
  zone: Record<string, Name> = {},
  whenOver: (close: () => Promise<void>) => void = onTestFinished,
): Promise<DnsServer> {
  const queries: Query[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { name, end } = readName(message, 12);
    const type = types[message.readUInt16BE(end)] ?? 'other';
    queries.push({ name, type, at: performance.now() });
    const known = zone[name] ?? { fails: 'NXDOMAIN' };
    if (known.fails === 'silence') return;
    const records = known.fails !== undefined || type === 'other' ? [] : recordsOf(known, type);
    const header = Buffer.from(message.subarray(0, 12));
    header.writeUInt16BE(0x8580 | (known.fails === undefined ? 0 : codes[known.fails]), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, message.subarray(12, end + 4), ...records]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise<void>((resolve) => socket.close(() => resolve()));
    return closing;
  };
  whenOver(close);
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, zone, queries, close };
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function recordsOf(name: Name, type: RecordType): Buffer[] {
  const data = type === 'SRV' ? (name.SRV ?? []).map(srvData) : (name[type] ?? []).map(ipData);
  const code = Number(Object.keys(types).find((each) => types[Number(each)] === type));
  return data.map((bytes) => {
    // The name of the question, by a pointer to it.
    const head = Buffer.from([0xc0, 12, 0, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(name.ttl ?? 60, 6);
    head.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([head, bytes]);
  });
}

/** IPv6 addresses in full or with one `::`. */
function ipData(ip: string): Buffer {
  if (!ip.includes(':')) return Buffer.from(ip.split('.').map(Number));
  const [left = [], right = []] = ip.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function srvData({ priority, weight, port, target }: Srv): Buffer {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  const labels = target.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([numbers, ...labels, Buffer.from([0])]);
}
