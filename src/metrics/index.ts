/** Metrics: OpenTelemetry instruments and a Prometheus text. */
export {};
