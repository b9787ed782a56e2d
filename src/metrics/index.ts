/** The public exports of `pillion/metrics`: OpenTelemetry instruments and the Prometheus text format. */
export { type RecordMetricsOptions, recordMetrics } from './opentelemetry.js';
export { createPrometheus, type Prometheus } from './prometheus.js';
