/** Writes log lines to Nest's logger. */
import { ConsoleLogger, type LoggerService, Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '../call/logger.js';

/** Gives access to the logger that was set with `app.useLogger`, a protected member of Nest's facade. */
class Facade extends NestLogger {
  static get behind(): LoggerService | undefined {
    return NestLogger.staticInstanceRef;
  }
}

/**
 * A logger for `createHttpClient` and `loadHttpClients` that writes to Nest's logger. A line is one object with all its
 * fields and the message as `msg`, as nestjs-pino expects; Nest's own `ConsoleLogger` gets one line of text, unless it
 * is set to JSON.
 * @param logger any `LoggerService`; the one set with `app.useLogger` by default
 * @param context Nest's context name of the lines; `HttpClient` by default
 */
export function nestLogger(logger?: LoggerService, context = 'HttpClient'): Logger {
  const facade = logger ?? new NestLogger(context);
  const isText = () => isConsole(logger ?? Facade.behind);
  const lineOf = (fields: object, message: string) =>
    isText() ? textOf(fields, message) : { ...fields, msg: message };
  const writer = (level: 'debug' | 'log' | 'warn' | 'error') => (fields: object, message: string) => {
    const line = lineOf(fields, message);
    // Nest's facade was created with the context.
    if (logger === undefined) facade[level]?.(line);
    else facade[level]?.(line, context);
  };
  return { debug: writer('debug'), info: writer('log'), warn: writer('warn'), error: writer('error') };
}

/** True for a `ConsoleLogger` that writes text rather than JSON. */
function isConsole(logger: LoggerService | undefined): boolean {
  return logger instanceof ConsoleLogger && !(logger as unknown as { options?: { json?: boolean } }).options?.json;
}

function textOf(fields: object, message: string): string {
  const { level: _, time: __, ...told } = fields as Record<string, unknown>;
  const pairs = Object.entries(told).filter(([, value]) => value !== undefined);
  return [message, ...pairs.map(([name, value]) => `${name}=${isPlain(value) ? value : JSON.stringify(value)}`)].join(
    ' ',
  );
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && /^[^\s"=]+$/.test(value))
  );
}
