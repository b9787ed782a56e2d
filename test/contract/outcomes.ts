/** What cases look at: what arrived, what came back, what went wrong. */
import type { AxiosError, AxiosResponse } from 'axios';
import type { Wire } from './case.js';
import { hangs } from './server.js';

/** What `/echo` says of the request it got. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly base64: string;
  /** The port of the client: which connection it came over. */
  readonly connection: number;
}

export async function echoed(response: Promise<AxiosResponse> | AxiosResponse): Promise<Echo> {
  return (await response).data as Echo;
}

/** The error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<AxiosError> {
  try {
    await promise;
  } catch (error) {
    return error as AxiosError;
  }
  throw new Error('It was expected to reject, and it resolved.');
}

/** Code, message and status of the error a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<object> {
  const { code, message, response } = await failure(promise);
  return { code, message, ...(response !== undefined && { status: response.status }) };
}

/** Name, code and so on of `value`: the named properties alone. */
export function pick<T extends object, K extends keyof T>(value: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Pick<T, K>;
}

export async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as string));
  return Buffer.concat(chunks).toString();
}

/** The parts of a multipart body: disposition and type of each, and its content. */
export function partsOf({ body, headers }: Echo): string[] {
  const [, boundary = ''] = /boundary=(.+)$/.exec(headers['content-type'] ?? '') ?? [];
  const parts = body.split(`--${boundary}`).slice(1, -1);
  return parts.map((part) => part.trim().replaceAll('\r\n', '|').replaceAll('Content-Disposition: form-data; ', ''));
}

/** A path that hangs; `asked` and `left` say whether somebody is there. */
export function hanging({ serveEarly }: Wire) {
  const state = { asked: false, left: false, path: '' };
  state.path = serveEarly((request, response) => {
    state.asked = true;
    response.once('close', () => {
      state.left = true;
    });
    hangs(request, response);
  });
  return state;
}
