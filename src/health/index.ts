export { Health, type HealthCheckRequest, type HealthCheckResponse, ServingStatus } from "./health.ts";
export { type HealthService, healthService, type Serving } from "./health-service.ts";
