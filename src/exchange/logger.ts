/** The little of a logger that the exchange layer needs; pino fits. */

export interface PortLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const SILENT: PortLogger = { debug: () => undefined, warn: () => undefined };
