/** Metrics: OpenTelemetry instruments and a Prometheus text. */
export { type RecordMetricsOptions, recordMetrics } from './opentelemetry.js';
export { createPrometheus, type Prometheus } from './prometheus.js';
