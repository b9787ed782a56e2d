/** The file of a fixture: what stands in it, and how it is read and written. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ErrorCode, PillionError } from '../errors.js';
import type { FixtureBody } from './fixture-body.js';

/** A request and what became of it, as it stands in the file: secrets masked. */
export interface Exchange {
  /** Full URL without credentials, headers in lower case and in their order, a body as JSON, text or base64. */
  request: { method: string; url: string; headers: Record<string, string> } & FixtureBody;
  /** What came back, with the body in the same forms. */
  response?: { status: number; statusText?: string; headers: Record<string, string | string[]> } & FixtureBody;
  /** Why there was no answer, or why its body broke off; `unsent`: nothing of the request had gone out. */
  error?: { code: string; message: string; unsent?: true };
  /** There was no answer until the request was given up. */
  hang?: true;
}

const version = 1;

/** @throws PillionError `ERR_CONFIG` for a file that is none or cannot be read */
export function readExchanges(file: string): Exchange[] {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown; exchanges?: unknown };
    if (content?.version !== version) throw new Error(`its version is not ${version}`);
    if (!Array.isArray(content.exchanges) || !content.exchanges.every(isExchange))
      throw new Error('it has no list of exchanges');
    return content.exchanges;
  } catch (cause) {
    const message = `The fixture ${file} cannot be read (${(cause as Error).message}); record it with mode: 'record'.`;
    throw new PillionError(ErrorCode.CONFIG, message);
  }
}

function isExchange(value: unknown): value is Exchange {
  const { request } = (value ?? {}) as Partial<Exchange>;
  return typeof request?.method === 'string' && typeof request.url === 'string' && URL.canParse(request.url);
}

/** Whole or not at all; only what has ended. */
export function writeExchanges(file: string, exchanges: readonly Exchange[]): void {
  const ended = exchanges.filter(({ response, error, hang }) => response ?? error ?? hang);
  const partial = `${file}.${randomUUID()}.tmp`;
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(partial, `${JSON.stringify({ version, exchanges: ended.map(inOrder) }, null, 2)}\n`);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** However it came about, each part has its place. */
function inOrder({ request, response, error, hang }: Exchange): Exchange {
  return { request, ...(response && { response }), ...(error && { error }), ...(hang && { hang }) };
}
