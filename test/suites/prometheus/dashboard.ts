import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One query of the dashboard, as Grafana would send it. */
export interface DashboardQuery {
  readonly panel: string;
  readonly expression: string;
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

export function dashboardQueries(): readonly DashboardQuery[] {
  const path = join(import.meta.dirname, "../../../docs/grafana-dashboard.json");
  const { panels } = JSON.parse(readFileSync(path, "utf8")) as Dashboard;
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      panel: title,
      expression: expr.replaceAll("$target", ".*").replaceAll("$__rate_interval", "1m"),
    })),
  );
}
