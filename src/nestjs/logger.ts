/** Log lines by way of Nest's logger. */
import { ConsoleLogger, type LoggerService, Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '../call/logger.js';

/** Nest's own facade, which passes on to what `app.useLogger` was given. */
class Facade extends NestLogger {
  static get behind(): LoggerService | undefined {
    return NestLogger.staticInstanceRef;
  }
}

/**
 * A logger for `createHttpClient` and `loadHttpClients` that writes by Nest's. Without an argument lines go to what
 * `app.useLogger` was given. A line is one object with all its fields and the message as `msg`, as nestjs-pino wants it; Nest's
 * own `ConsoleLogger` gets one line of text, unless it is set to JSON.
 * @param logger any logger of Nest's shape
 * @param context the name that lines come under; `HttpClient` by default
 */
export function nestLogger(logger?: LoggerService, context = 'HttpClient'): Logger {
  const facade = logger ?? new NestLogger(context);
  const isText = () => isConsole(logger ?? Facade.behind);
  const lineOf = (fields: object, message: string) =>
    isText() ? textOf(fields, message) : { ...fields, msg: message };
  const writer = (level: 'debug' | 'log' | 'warn' | 'error') => (fields: object, message: string) => {
    const line = lineOf(fields, message);
    // The facade has the context already.
    if (logger === undefined) facade[level]?.(line);
    else facade[level]?.(line, context);
  };
  return { debug: writer('debug'), info: writer('log'), warn: writer('warn'), error: writer('error') };
}

/** A console logger that writes text. */
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
