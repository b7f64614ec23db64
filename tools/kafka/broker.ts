/** A running broker, which nothing but this machine can reach. */
export interface Broker extends AsyncDisposable {
  /** `host:port`. */
  readonly bootstrapServer: string;
  readonly how: "container" | "jvm";
  /** Absent with a container, whose engine has the log. */
  readonly logFile?: string;
  /** Stops the broker and removes its data. Does nothing the second time. */
  stop(): Promise<void>;
  /** Ends the broker by SIGKILL and keeps its data. JVM only. */
  kill(): Promise<void>;
  /**
   * Starts the broker again on the same port with the same data, whether it runs or was killed. JVM only.
   *
   * @param properties settings that change with this start
   */
  restart(properties?: Record<string, string>): Promise<void>;
}
