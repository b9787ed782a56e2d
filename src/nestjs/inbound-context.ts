/** Passes request id, baggage and deadline of an inbound request on to the calls made while it is served. */
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { Observable } from 'rxjs';
import { type InboundOptions, inboundOf, runWithInbound } from '../call/inbound.js';

/** Injection token of the interceptor's options. */
export const inboundOptionsToken = Symbol.for('pillion.nestjs.inbound');

type Incoming = Parameters<typeof inboundOf>[0];

/**
 * Runs each HTTP request in `runWithInbound`: its id, baggage and deadline are sent with every call that handlers,
 * pipes and later interceptors make. Guards run before interceptors; if they make calls too, use the middleware
 * `inboundContext`.
 */
@Injectable()
export class InboundContextInterceptor implements NestInterceptor {
  readonly #options: InboundOptions;

  /** Called by Nest, with the options of `forRoot({ inbound })`. */
  constructor(@Optional() @Inject(inboundOptionsToken) options?: InboundOptions) {
    this.#options = options ?? {};
  }

  /** Called by Nest; other contexts than HTTP, such as RPC, are passed on unchanged. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const { headers } = context.switchToHttp().getRequest<{ headers: Incoming }>();
    const inbound = inboundOf(headers, this.#options);
    // Nest runs the handler on subscription, so the subscription has to happen in the context.
    return new Observable((subscriber) => runWithInbound(inbound, () => next.handle().subscribe(subscriber)));
  }
}

/**
 * Does the same as a middleware, `app.use(inboundContext())`, on Express and Fastify; it also covers guards and the
 * middleware after it.
 */
export function inboundContext(options: InboundOptions = {}) {
  return function inboundContext(request: { headers: Incoming }, _response: unknown, next: () => void): void {
    runWithInbound(inboundOf(request.headers, options), next);
  };
}
