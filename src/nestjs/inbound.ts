/** Carries what an inbound request says about itself to the calls made while it is served. */
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

/** Under which the options of the interceptor are provided. */
export const inboundOptionsToken = Symbol.for('pillion.nestjs.inbound');

type Incoming = Parameters<typeof inboundOf>[0];

/**
 * Puts each HTTP request under `runWithInbound`: its id, baggage and deadline go with every call that handlers, pipes and
 * later interceptors make. Guards run before interceptors; where they make calls too, use the middleware `inboundContext`.
 */
@Injectable()
export class InboundContextInterceptor implements NestInterceptor {
  readonly #options: InboundOptions;

  /** Called by Nest, with the options of `forRoot({ inbound })`. */
  constructor(@Optional() @Inject(inboundOptionsToken) options?: InboundOptions) {
    this.#options = options ?? {};
  }

  /** Called by Nest; what is no HTTP request passes as it is. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const { headers } = context.switchToHttp().getRequest<{ headers: Incoming }>();
    const inbound = inboundOf(headers, this.#options);
    // The handler runs when it is subscribed to.
    return new Observable((subscriber) => runWithInbound(inbound, () => next.handle().subscribe(subscriber)));
  }
}

/** The same as a middleware: `app.use(inboundContext())`, on Express and on Fastify, for guards and other middleware after it too. */
export function inboundContext(options: InboundOptions = {}) {
  return function inboundContext(request: { headers: Incoming }, _response: unknown, next: () => void): void {
    runWithInbound(inboundOf(request.headers, options), next);
  };
}
