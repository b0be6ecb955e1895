"""Evaluation of embeddings under a protocol: from embeddings to the table of metrics.

Where is rank-1 computed? Follow two probes through the modules of this package. The protocol has one table by view
pairs with one group: probes are the sequences of condition `bg`, the gallery are those of condition `nm`.

1. `evaluation_set.EvaluationSet` gives every sequence an index, and finds the probes and the gallery of each group by
   the condition patterns of the protocol:

       index  key (identity, condition, view)
       0      a, nm, 000      gallery
       1      b, nm, 000      gallery
       2      a, nm, 090      gallery
       3      b, nm, 090      gallery
       4      a, bg, 000      probe
       5      b, bg, 000      probe

2. `skelgait.matching.distances.distance_rows` yields the distances of the probes to the gallery, in blocks of rows:

                 gallery:  0 (a)  1 (b)  2 (a)  3 (b)
       probe 4 (a, 000)    0.2    0.5    0.3    0.6
       probe 5 (b, 000)    0.7    0.1    0.4    0.5

3. `ranks.RankAccumulator` ranks the true matches of each probe, separately in each gallery view, and returns
   `GroupRanks`. The table leaves out pairs of the same view (-1). In view 090, probe 4 finds its true match (entry 2)
   first; probe 5 finds its true match (entry 3) second:

                 gallery view:  000  090
       first[probe 4]           -1   1
       first[probe 5]           -1   2

4. `averages.values_by_probe` computes the value of the metric for each probe. The metric is a record in
   `skelgait.matching.metrics.METRICS`; rank-1 is `ranks.first <= 1`:

                 gallery view:  000  090
       rank-1 of probe 4        NaN  1
       rank-1 of probe 5        NaN  0

5. `averages.average_by_view` averages over the probes of each probe view (0.5 for probe view 000 and gallery view 090),
   then over gallery views, then over probe views. Rank-1 of the group is 0.5.

6. `group_report.report_ranks` collects the metrics, their intervals (`bootstrap`), and the counts of probes in a
   `GroupReport`. `notes` explains metrics that mean little, or raises an error if there is none.

`evaluate.score` runs all steps for all tables. A table of kind `pooled` compares each probe with the whole gallery and
averages over probes. A table of kind `verification` uses `verification.VerificationAccumulator` in step 3, which counts
the distances of genuine and impostor pairs.
"""

from skelgait.embeddings import Embeddings, embed
from skelgait.evaluation.evaluate import evaluation_keys, score
from skelgait.evaluation.report import EvaluationReport, GroupReport, TableReport
from skelgait.evaluation.submission import write_submission
from skelgait.matching.distances import distance_matrix

__all__ = [
    "Embeddings",
    "EvaluationReport",
    "GroupReport",
    "TableReport",
    "distance_matrix",
    "embed",
    "evaluation_keys",
    "score",
    "write_submission",
]
