/** A DNS server on loopback that answers from a table, or does not. */
import dgram from 'node:dgram';
import type { AddressInfo } from 'node:net';

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface Zone {
  /** By name; a name that is in none of the tables does not exist. */
  a: Record<string, readonly string[]>;
  aaaa: Record<string, readonly string[]>;
  srv: Record<string, readonly SrvRecord[]>;
  /** Seconds. */
  ttl: number;
  /** In place of an answer. */
  failing: 'SERVFAIL' | 'silence' | undefined;
}

export interface DnsServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly zone: Zone;
  /** Each question so far, as `type name`. */
  readonly queries: string[];
  close(): Promise<void>;
}

const types: Record<number, 'a' | 'aaaa' | 'srv'> = { 1: 'a', 28: 'aaaa', 33: 'srv' };
const codes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 };

export async function startDnsServer(): Promise<DnsServer> {
  const zone: Zone = { a: {}, aaaa: {}, srv: {}, ttl: 1, failing: undefined };
  const queries: string[] = [];
  const socket = dgram.createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = questionOf(query);
    queries.push(`${types[type]} ${name}`);
    if (zone.failing === 'silence') return;
    socket.send(answerTo(query, end, name, types[type], zone), port, address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      socket.close(() => resolve());
    });
  return { address: `127.0.0.1:${port}`, zone, queries, close };
}

/** The name and type asked for, and where the question ends. */
function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(
  query: Buffer,
  end: number,
  name: string,
  type: 'a' | 'aaaa' | 'srv' | undefined,
  zone: Zone,
): Buffer {
  const known = name in zone.a || name in zone.aaaa || name in zone.srv;
  const records = type === undefined ? [] : (zone[type][name] ?? []).map((each) => dataOf(type, each as never));
  const code = zone.failing === 'SERVFAIL' ? 'SERVFAIL' : known ? 'NOERROR' : 'NXDOMAIN';
  const answers = code === 'NOERROR' ? records : [];
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | codes[code], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([
    header,
    query.subarray(12, end),
    ...answers.map((data) => recordOf(query, end, data, zone.ttl)),
  ]);
}

/** Its name is a pointer to the one in the question. */
function recordOf(query: Buffer, end: number, data: Buffer, ttl: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  query.copy(head, 2, end - 4, end);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(type: 'a' | 'aaaa' | 'srv', record: string & SrvRecord): Buffer {
  if (type === 'a') return Buffer.from(record.split('.').map(Number));
  if (type === 'aaaa') return ipv6(record);
  const head = Buffer.alloc(6);
  for (const [index, value] of [record.priority, record.weight, record.port].entries())
    head.writeUInt16BE(value, index * 2);
  const labels = record.target.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0])]);
}

function ipv6(address: string): Buffer {
  const [left = '', right] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const tail = right === undefined ? [] : groups(right);
  const fill = Array.from({ length: 8 - groups(left).length - tail.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...groups(left), ...fill, ...tail].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
