/** OpenTelemetry's SDK with its spans kept in memory, registered for the whole test file. */
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeAll, beforeEach } from 'vitest';

export interface Spans {
  /** Those that have ended: the call's, then those of its attempts in their order. */
  all(): ReadableSpan[];
  /** The CLIENT spans: one for each attempt. */
  attempts(): ReadableSpan[];
  /** The INTERNAL span of the only call there was. */
  call(): ReadableSpan;
  /** What the sampler was shown when each span was started. */
  readonly atStart: { readonly name: string; readonly attributes: object }[];
  /** Forgets everything so far. */
  reset(): void;
}

/** NodeTracerProvider brings the context manager over AsyncLocalStorage and W3C's propagators. */
export function recordSpans(): Spans {
  const exporter = new InMemorySpanExporter();
  const atStart: { name: string; attributes: object }[] = [];
  const always = new AlwaysOnSampler();
  const sampler: Sampler = {
    shouldSample: (_context, _traceId, name, _kind, attributes) => {
      atStart.push({ name, attributes: { ...attributes } });
      return always.shouldSample();
    },
  };
  const provider = new NodeTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  beforeAll(() => {
    provider.register();
  });
  const reset = () => {
    exporter.reset();
    atStart.length = 0;
  };
  beforeEach(reset);
  afterAll(async () => {
    await provider.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
  });
  const of = (kind: SpanKind) => exporter.getFinishedSpans().filter((span) => span.kind === kind);
  const all = () => [...of(SpanKind.INTERNAL), ...of(SpanKind.CLIENT)];
  const call = () => {
    const [only, ...more] = of(SpanKind.INTERNAL);
    if (only === undefined || more.length > 0) throw new Error(`There are ${1 + more.length} call spans, or none.`);
    return only;
  };
  return { all, attempts: () => of(SpanKind.CLIENT), call, atStart, reset };
}
