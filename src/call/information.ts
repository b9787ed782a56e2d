/** Lets the wire pass on informational answers (1xx) to a request that asks for them. */
import type { Request } from './message.js';
import { version } from './version.js';

const INFORMATION: unique symbol = Symbol.for(`pillion.information@${version}`);

/** Told of each informational answer, of each attempt. */
export type Informed = (status: number, headers: Record<string, unknown>) => void;

type Asking = Request & { [INFORMATION]?: Informed };

/** Undefined for a request that does not ask. */
export function informedOf(request: Request): Informed | undefined {
  return (request as Asking)[INFORMATION];
}

/** The options with which a request asks. */
export function informing(informed: Informed): Partial<Request> {
  return { [INFORMATION]: informed } as Partial<Request>;
}
