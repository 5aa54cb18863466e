import { type Panel, ROWS } from "./panels.ts";

const DATASOURCE = { type: "prometheus", uid: "$datasource" };

/** Columns of Grafana's grid. */
const COLUMNS = 24;
const LINES = { w: 8, h: 8 };
const STAT = { w: 3, h: 4 };

interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

function thresholds({ red, redBelow }: Panel): object {
  const steps =
    redBelow === undefined
      ? [{ color: "green", value: null }, ...(red === undefined ? [] : [{ color: "red", value: red }])]
      : [
          { color: "red", value: null },
          { color: "green", value: redBelow },
        ];
  return { mode: "absolute", steps };
}

function panel(from: Panel, id: number, gridPos: GridPosition): object {
  const isStat = from.kind === "stat";
  return {
    id,
    type: isStat ? "stat" : "timeseries",
    title: from.title,
    description: from.description,
    datasource: DATASOURCE,
    gridPos,
    targets: from.queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(isStat && { instant: true }),
    })),
    fieldConfig: {
      defaults: {
        unit: from.unit,
        min: 0,
        ...(isStat ? { thresholds: thresholds(from) } : { custom: { fillOpacity: 10, showPoints: "never" } }),
      },
      overrides: [],
    },
    options: isStat
      ? { colorMode: "background", graphMode: "none", textMode: "auto", reduceOptions: { calcs: ["lastNotNull"] } }
      : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
  };
}

/** Positions of panels, side by side in lines. */
function layOut(
  panels: readonly Panel[],
  top: number,
): { readonly positions: readonly GridPosition[]; readonly bottom: number } {
  let [x, y, height] = [0, top, 0];
  const positions = panels.map(({ kind }) => {
    const { w, h } = kind === "stat" ? STAT : LINES;
    if (x + w > COLUMNS) {
      [x, y, height] = [0, y + height, 0];
    }
    const position = { x, y, w, h };
    x += w;
    height = Math.max(height, h);
    return position;
  });
  return { positions, bottom: y + height };
}

function variable(name: string, label: string, query: string): object {
  return {
    type: "query",
    name,
    label,
    datasource: DATASOURCE,
    query: { query, refId: name },
    refresh: 2,
    includeAll: true,
    allValue: ".*",
    multi: true,
    current: { text: ["All"], value: ["$__all"] },
    sort: 1,
  };
}

/** The dashboard as Grafana imports it. */
export function makeDashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    const { positions, bottom } = layOut(row.panels, y + 1);
    for (const [index, position] of positions.entries()) {
      panels.push(panel(row.panels[index] as Panel, panels.length + 1, position));
    }
    y = bottom;
  }
  return {
    title: "Order status service",
    uid: "order-status-service",
    description: "Health of the order-status service. Alerts are explained in docs/runbook.md.",
    tags: ["oms"],
    timezone: "browser",
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { type: "datasource", name: "datasource", label: "Data source", query: "prometheus", current: {} },
        {
          type: "query",
          name: "job",
          label: "Job",
          datasource: DATASOURCE,
          query: { query: "label_values(oms_build_info, job)", refId: "job" },
          refresh: 1,
          current: { text: "order-status-service", value: "order-status-service" },
        },
        variable("rpc", "RPC", 'label_values(oms_rpc_calls_total{job="$job"}, rpc)'),
        variable("caller", "Caller", 'label_values(oms_rpc_calls_total{job="$job"}, caller)'),
      ],
    },
    annotations: { list: [] },
    panels,
  };
}
