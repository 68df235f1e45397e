export interface Config {
  container: HTMLElement;
  width?: number;
  height?: number;
  radius?: number;
  gradient?: Record<number, string>;
  backgroundColor?: string;
  opacity?: number;
  maxOpacity?: number;
  minOpacity?: number;
  useGradientOpacity?: boolean;
  blur?: number;
  xField?: string;
  yField?: string;
  valueField?: string;
  onExtremaChange?(extremes: { min: number; max: number; gradient?: Record<number, string> }): void;
  /** Called when the picture of the last change is there. */
  onDraw?(map: Heatmap): void;
  server?: string;
  token?: string;
}

/** A point: the fields x, y and value, or those that the configuration names. */
export type DataPoint = Record<string, number>;

export class Heatmap {
  setData(data: { max?: number; min?: number; data: DataPoint[] }): this;
  addData(points: DataPoint | DataPoint[]): this;
  setDataMax(max: number): this;
  setDataMin(min: number): this;
  configure(config: Partial<Config>): this;
  repaint(): this;
  getData(): { min: number; max: number; data: DataPoint[] };
  getDataURL(): string;
  getValueAt(place: { x: number; y: number }): number;
  remove(): void;
}

export function create(config: Config): Heatmap;
declare const h337: { create: typeof create };
export default h337;
