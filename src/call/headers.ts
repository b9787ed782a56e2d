/** Reads and sets request headers directly, since AxiosHeaders' own methods parse and normalise at every call. */
import { AxiosHeaders } from 'axios';
import type { Request } from './message.js';

type Headers = Request['headers'];

/** A copy that may be changed: each attempt has its own. */
export function copyHeaders(headers: Headers): Headers {
  return Object.assign(new AxiosHeaders(), headers);
}

/** The name of a header as it is spelt in these headers, whatever its case; undefined where it is absent. */
export function nameIn(headers: Headers, name: string): string | undefined {
  if (Object.hasOwn(headers, name)) return name;
  const lower = name.toLowerCase();
  for (const key in headers)
    if (key.length === lower.length && key.toLowerCase() === lower && Object.hasOwn(headers, key)) return key;
  return undefined;
}

/** The value of a header, if it will be sent as text. */
export function getHeader(headers: Headers, name: string): string | undefined {
  const key = nameIn(headers, name);
  const value: unknown = key === undefined ? undefined : headers[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** True where the request has the header, an empty one too. */
export function hasHeader(headers: Headers, name: string): boolean {
  const key = nameIn(headers, name);
  return key !== undefined && (headers[key] === '' || getHeader(headers, key) !== undefined);
}

/** The value of a cookie in the request. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  const start = `${name}=`;
  const pairs = getHeader(headers, 'cookie')?.split(';') ?? [];
  return pairs
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(start))
    ?.slice(start.length);
}

/** Sets a header made here (not user input) in place of one of the same name. */
export function setHeader(headers: Headers, name: string, value: string): void {
  headers[nameIn(headers, name) ?? name] = value;
}

/** True where the headers of an answer announce a body. An answer to a HEAD may announce one and have none. */
export function announcesBody(headers: Record<string, unknown>): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

/** Takes a header out in every spelling, and returns the values that would have been sent. */
export function takeHeader(headers: Headers, name: string): unknown[] {
  const values: unknown[] = [];
  for (let key = nameIn(headers, name); key !== undefined; key = nameIn(headers, name)) {
    const value: unknown = headers[key];
    delete headers[key];
    // axios sends none of these.
    if (value !== undefined && value !== null && value !== false) values.push(value);
  }
  return values.flat();
}

/** Headers that the wire would add where they are absent; `false` sends none. */
const ofWire = new Set(['user-agent', 'accept-encoding']);

/** Leaves a header out of what is sent. */
export function omitHeader(headers: Headers, name: string): void {
  takeHeader(headers, name);
  if (ofWire.has(name.toLowerCase())) headers[name] = false;
}

/** Headers as a list of names and values in turns; a name with several values stands there several times. */
export function headerList(headers: Record<string, unknown>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, String(each)]));
}

/** Headers about one connection (RFC 9110, 7.6.1), which nothing that forwards a message passes on. */
const ofConnection = [
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'expect', 'http2-settings'],
  ...['proxy-authenticate', 'proxy-authorization', 'te'],
];

const alwaysOfConnection: ReadonlySet<string> = new Set(ofConnection);

/** The headers about the connection in a list of names and values in turns, with those that `Connection` names. */
export function connectionHeadersOf(list: readonly string[]): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (list[index + 1] as string).toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    names ??= new Set(ofConnection);
    for (const each of value.split(',')) names.add(each.trim());
  }
  return names ?? alwaysOfConnection;
}
