/** The logger's shape, and the pino logger used where none is given. */
import { pino } from 'pino';

/** A method of a logger: fields first, then the message, as in pino. */
export type LogMethod = (fields: object, message: string) => void;

/** Any logger of pino's shape. */
export interface Logger {
  /** Attempts. */
  debug: LogMethod;
  /** Calls below 400. */
  info: LogMethod;
  /** Calls answered with 4xx, and what somebody should look at. */
  warn: LogMethod;
  /** Calls answered with 5xx or not at all. */
  error: LogMethod;
  /** Where present, asked before a line is built. */
  isLevelEnabled?(level: string): boolean;
}

let shared: Logger | undefined;

/** One pino logger to stdout for every client of this process that was given none; level from `LOG_LEVEL`, else `info`. */
export function defaultLogger(): Logger {
  shared ??= pino({ level: process.env.LOG_LEVEL ?? 'info' });
  return shared;
}
