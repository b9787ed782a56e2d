/** An HTTP/2 server that speaks in single frames, for what Node's own server would never do. */
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
const endStream = 1;
const ack = 1;
const endHeaders = 4;

export interface Frame {
  readonly type: number;
  /** END_STREAM, of HEADERS and DATA. */
  readonly ends: boolean;
  readonly id: number;
  readonly payload: Buffer;
}

/** One connection. */
export class Peer {
  readonly socket: TLSSocket;
  /** Every frame of the client's so far. */
  readonly frames: Frame[] = [];
  /** Streams that the client has opened. */
  readonly requests: number[] = [];
  /** Gives the client room for what it has sent. */
  reads = true;
  #toldSettings = false;
  #unacknowledged = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  settings(values: Readonly<Record<number, number>> = {}): void {
    const pairs = Object.entries(values).map(([id, value]) => {
      const pair = Buffer.alloc(6);
      pair.writeUInt16BE(Number(id));
      pair.writeUInt32BE(value, 2);
      return pair;
    });
    this.send(SETTINGS, 0, 0, Buffer.concat(pairs));
    this.#toldSettings = true;
    if (this.#unacknowledged) this.#acknowledge();
  }

  /** `maxConcurrentStreams`, as SETTINGS. */
  allow(streams: number): void {
    this.settings({ 3: streams });
  }

  headers(id: number, fields: readonly (readonly [string, string | number])[], ends = false): void {
    const literals = fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(String(value))]));
    this.send(HEADERS, endHeaders | (ends ? endStream : 0), id, Buffer.concat(literals));
  }

  data(id: number, bytes: string | Buffer, ends = false): void {
    this.send(DATA, ends ? endStream : 0, id, Buffer.from(bytes as string));
  }

  /** 200 with a short body. */
  answer(id: number, body = 'ok'): void {
    this.headers(id, [[':status', 200]]);
    this.data(id, body, true);
  }

  reset(id: number, code: number): void {
    this.send(RST_STREAM, 0, id, uint32(code));
  }

  goaway(code: number, lastStream: number): void {
    this.send(GOAWAY, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]));
  }

  send(type: number, flags: number, id: number, payload: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    this.socket.write(Buffer.concat([head, payload]));
  }

  /** Codes of the resets of a stream that the client has sent. */
  resetsOf(id: number): number[] {
    return this.frames
      .filter((frame) => frame.type === RST_STREAM && frame.id === id)
      .map((each) => each.payload.readUInt32BE());
  }

  /** Acknowledges DATA, SETTINGS and PINGs, and ends the connection after a GOAWAY. */
  receive(frame: Frame, flags: number): void {
    this.frames.push(frame);
    if (frame.type === HEADERS) this.requests.push(frame.id);
    if (frame.type === DATA && frame.payload.length > 0 && this.reads)
      for (const id of frame.ends ? [0] : [0, frame.id]) this.send(WINDOW_UPDATE, 0, id, uint32(frame.payload.length));
    if (frame.type <= HEADERS || flags & ack) return;
    if (frame.type === SETTINGS) this.#acknowledge();
    if (frame.type === GOAWAY) this.socket.end();
    if (frame.type === PING) this.send(PING, ack, 0, frame.payload);
  }

  /** A server's own SETTINGS come first. */
  #acknowledge(): void {
    this.#unacknowledged = !this.#toldSettings;
    if (this.#toldSettings) this.send(SETTINGS, ack, 0, Buffer.alloc(0));
  }
}

export interface FrameServer {
  readonly origin: string;
  readonly peers: readonly Peer[];
}

/** `connected` is told of each connection, `received` of each frame. The server sends nothing by itself, SETTINGS neither. */
export async function startFrames(
  identity: TlsOptions,
  connected: (peer: Peer, index: number) => void,
  received: (peer: Peer, frame: Frame) => void = () => {},
): Promise<FrameServer> {
  const peers: Peer[] = [];
  const server = tls.createServer({ ...identity, ALPNProtocols: ['h2'] }, (socket) => {
    const peer = new Peer(socket);
    socket.on('error', () => {});
    connected(peer, peers.push(peer) - 1);
    let left = Buffer.alloc(0);
    let preface = 24;
    socket.on('data', (chunk: Buffer) => {
      left = Buffer.concat([left, chunk]);
      if (left.length < preface) return;
      left = left.subarray(preface);
      preface = 0;
      while (left.length >= 9 && left.length >= 9 + left.readUIntBE(0, 3)) {
        const end = 9 + left.readUIntBE(0, 3);
        const [type = 0, flags = 0] = [left[3], left[4]];
        const ends = type <= HEADERS && (flags & endStream) > 0;
        const frame = { type, ends, id: left.readUInt32BE(5), payload: left.subarray(9, end) };
        left = left.subarray(end);
        peer.receive(frame, flags);
        received(peer, frame);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    for (const { socket } of peers) socket.destroy();
    server.close();
  });
  return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, peers };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string as HPACK has it, in less than 127 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
}
