"""How far we agree with the expectations of the test corpus, which stands beside the checkout.

    make corpus [CORPUS=folder]

One file for each source of expectations; `frame` is what they share, `known` the disagreements that
stay, each with its reason. Nothing of the corpus is in the repository. Start reading in `__main__`.
"""
