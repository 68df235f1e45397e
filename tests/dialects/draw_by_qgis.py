"""Draws points by QGIS' heatmap renderer, and keeps its style.

    python3 draw_by_qgis.py POINTS.csv STYLE.qml PICTURE.png SIDE HALF

POINTS.csv has x, y and weight, in metres of EPSG:3857; the picture is SIDE pixels wide and high, HALF metres
to each side of 0, 0.
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsHeatmapRenderer,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

points, style, picture, side, half = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(f"file://{points}?type=csv&xField=x&yField=y&crs=EPSG:3857", "points", "delimitedtext")
if not layer.isValid():
    sys.exit(f"QGIS can't read {points}")

renderer = QgsHeatmapRenderer()
renderer.setRadius(30)
renderer.setRadiusUnit(QgsUnitTypes.RenderPixels)
renderer.setWeightExpression("weight")
renderer.setRenderQuality(1)
stops = [QgsGradientStop(0.4, QColor(200, 30, 90)), QgsGradientStop(0.7, QColor(255, 160, 40))]
renderer.setColorRamp(QgsGradientColorRamp(QColor(20, 20, 120, 0), QColor(255, 255, 230), False, stops))
layer.setRenderer(renderer)
layer.saveNamedStyle(style)

settings = QgsMapSettings()
settings.setLayers([layer])
settings.setBackgroundColor(QColor(0, 0, 0, 0))
settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
settings.setOutputSize(QSize(int(side), int(side)))
settings.setExtent(QgsRectangle(-float(half), -float(half), float(half), float(half)))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
job.renderedImage().save(picture)
application.exitQgis()
