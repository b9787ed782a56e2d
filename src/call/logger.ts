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

const levels = [...Object.keys(pino.levels.values), 'silent'];

/**
 * One pino logger to stdout for every client of this process that was given none; level from `LOG_LEVEL`, else `info`. A level
 * that nobody knows is one too, with a warning: a mistyped variable must not keep a service from starting.
 */
export function defaultLogger(): Logger {
  shared ??= loggerOf(process.env.LOG_LEVEL);
  return shared;
}

function loggerOf(variable = ''): Logger {
  const level = variable.trim().toLowerCase() || 'info';
  if (levels.includes(level)) return pino({ level });
  const logger = pino({ level: 'info' });
  logger.warn({ known: levels }, 'the environment variable LOG_LEVEL names no level, so it is info');
  return logger;
}
